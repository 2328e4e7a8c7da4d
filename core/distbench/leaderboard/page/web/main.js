/* The page as a whole: which table, which view, and what is said above and below it. */
const DATA = JSON.parse(byId("data").textContent);
DATA.boards.forEach((board, index) => {
  board.index = index;
  board.best = board.rank.findIndex(Boolean);
});
let current = null;

function showBoard(board) {
  if (current === board) return;
  current = board;
  byId("board").value = String(board.index);
  put(byId("title"), board.label);
  put(byId("lead"), `Test ${DATA.measure} over ${plural(board.tasks.length, "task")} and ${plural(board.seeds.length, "seed")}: ${plural(board.name.filter((_, i) => board.rank[i]).length, "ranked method")}` +
    `, ${plural(board.role.filter((r) => r !== "ranked").length, "control or ceiling", "controls and ceilings")}, ${board.done.filter((d) => d < board.planned).length} incomplete.`);
  put(byId("answers"), answers(board));
  showFilters(board);
  showBoardTable(board);
  applyFilters();
  put(byId("notes"), notesOf(board).map((text) => make("p", null, text)));
  put(byId("metrics-body"), metricsPart(board));
  put(byId("sources-body"), sourcesPart(board));
}
/* What to use, at what cost, and whether the difference is real. */
function answers(board) {
  const best = board.best;
  if (best < 0) return make("div", null, make("h2", null, "No method is complete"), make("p", null, "The table lists what there is."));
  const group = board.rank.map((r, i) => i).filter((i) => board.rank[i] && board.rank[i][0] === 1);
  const go = (i) => make("a", { href: link("method", board.name[i], board.index) }, named(board.name[i]));
  const cards = [make("div", null, make("h2", null, "Most accurate"), make("p", { class: "value" }, percent(board.mean[best]), make("small", null, half(board.half[best]), " %")), make("p", null, go(best)),
    make("p", null, group.length > 1 ? `Not to be told apart from ${plural(group.length - 1, "other")} (rank ${range(board.rank[best])}).` : board.rank.filter(Boolean).length > 1 ? "Significantly better than every other." : "The only ranked method."))];
  const cheap = group.filter((i) => board.macs[i]).sort((a, b) => board.macs[a] - board.macs[b])[0];
  if (cheap !== undefined) cards.push(make("div", null, make("h2", null, "Least compute in that group"), make("p", { class: "value" }, size(board.macs[cheap]), make("small", null, " MACs to train")), make("p", null, go(cheap)),
    cheap === best || !board.macs[best] ? null : make("p", null, `${percent(board.mean[cheap])} %, for ${Math.round((100 * board.macs[cheap]) / board.macs[best])} % of the compute.`)));
  if (board.baseline) {
    const tested = board.p.filter((p) => p !== null).length;
    const better = board.p.filter((p, i) => p !== null && p < 0.05 && board.delta[i] > 0).length;
    const worse = board.p.filter((p, i) => p !== null && p < 0.05 && board.delta[i] < 0).length;
    cards.push(make("div", null, make("h2", null, "Against ", named(board.baseline)), make("p", { class: "value" }, board.delta[best] === null ? "±0.0" : points(board.delta[best]), make("small", null, half(board.deltaHalf[best]), " points")),
      tested ? make("p", null, `${better} of ${plural(tested, "method")} significantly better, ${worse} worse.`) : null));
  } else cards.push(make("div", null, make("h2", null, "No comparison"), make("p", null, "The baseline ", named(board.wanted), board.name.includes(board.wanted) ? " is incomplete." : " is not among the methods.")));
  return cards;
}
function notesOf(board) {
  const notes = [`± is half a 95 % t interval: of a task over its seeds, of the mean over the noise of the seeds, of the difference over tasks.`];
  if (board.seeds.length === 1) notes[0] = "One seed: no interval for tasks and mean.";
  if (board.tasks.length === 1) notes.push("One task gives no interval over tasks, so ranks are by mean only.");
  return [...notes, ...board.leftOut];
}
function metricsPart(board) {
  if (!board.metrics.length) return make("p", { class: "small" }, "To judge the metrics, every source has to be tried alone: add runs with --strategy only:NAME for each source.");
  const many = new Set(board.metrics.map((m) => m.distiller)).size > 1;
  const cell = (v, k) => (v === null ? NONE : make("span", null, signed((k < 2 ? v[0] : 100 * v[0]).toFixed(k < 2 ? 2 : 1)), v[1] === null ? null : make("span", { class: "pm" }, ` ±${(k < 2 ? v[1] : 100 * v[1]).toFixed(k < 2 ? 2 : 1)}`)));
  const rows = board.metrics.map((m) => [make("span", null, named(m.metric), many ? ` (${m.distiller})` : ""), ...m.values.map(cell), m.sources[0] === m.sources[1] ? String(m.sources[1] || NONE) : `${m.sources[0]}–${m.sources[1]}`,
    ...m.tasks.map((t) => (t ? signed(t[0].toFixed(2)) : NONE))]);
  const left = board.metrics.flatMap((m) => m.leftOut.map(([task, why]) => make("li", null, named(m.metric), " on ", named(task), `: ${why}`)));
  return [scrolled(tableOf("Scores against the accuracy that each source alone led to: means over tasks, ± half the 95 % t interval over tasks. Under a task: its weighted tau.",
    [["metric", { class: "left" }], "weighted tau", "Pearson", "regret 1, points", "regret 3, points", "sources", ...board.short], rows), "Metrics"),
  left.length ? make("ul", { class: "small" }, left) : null];
}
function sourcesPart(board) {
  const used = [...new Set(board.origins.flat())];
  const count = (n) => board.origins.filter((o) => o.includes(n)).length;
  const refused = DATA.refused.length ? [make("h3", null, "Not read"), make("ul", null, DATA.refused.map((line) => make("li", null, line)))] : null;
  return [scrolled(tableOf("Files behind this table.", [["file", { class: "left" }], ["kind", { class: "left" }], ["submitter", { class: "left" }], "methods"],
    used.map((n) => [make("span", { class: "name" }, DATA.origins[n].path), [DATA.origins[n].kind === "run" ? "run" : "submission", { class: "left" }], [DATA.origins[n].submitter || NONE, { class: "left" }], String(count(n))])), "Files"),
  board.machines.map((m, n) => [make("h3", null, `Machine ${n + 1}`), pairs(m)]), refused];
}
/* #method=NAME, #task=NAME, #board=2; anything else is a place on the overview. */
function route(event) {
  const hash = location.hash.slice(1);
  const asked = hash.includes("=") ? new URLSearchParams(hash.replace(/\+/g, "%2B")) : new URLSearchParams();
  const wanted = asked.get("method") ?? asked.get("task");
  const list = asked.has("method") ? "name" : "tasks";
  const number = Number(asked.get("board")) - 1;
  let board = DATA.boards[number] || (wanted === null ? (asked.has("board") ? DATA.boards[0] : current || DATA.boards[0]) : DATA.boards.find((b) => b[list].includes(wanted)) || DATA.boards[0]);
  if (!hash) board = DATA.boards[0];
  showBoard(board);
  const at = wanted === null ? -1 : board[list].indexOf(wanted);
  const detail = byId("detail"), overview = byId("overview");
  if (wanted !== null) put(detail, at < 0 ? [back(board), make("h1", null, "Not here"), make("p", null, "This table has nothing called ", named(wanted), ".")] : list === "name" ? methodView(board, at) : taskView(board, at));
  detail.hidden = wanted === null;
  overview.hidden = wanted !== null;
  byId("nav").hidden = wanted !== null;
  document.title = wanted === null ? `${board.label} · distbench leaderboard` : `${wanted} · distbench leaderboard`;
  if (wanted !== null) { window.scrollTo(0, 0); if (event) detail.focus(); }
  else if (hash && !hash.includes("=") && byId(hash)) byId(hash).scrollIntoView();
}
put(byId("board"), DATA.boards.map((board, n) => make("option", { value: n }, board.label)));
byId("board-choice").hidden = DATA.boards.length < 2;
byId("board").addEventListener("change", (event) => { location.hash = Number(event.target.value) ? `board=${Number(event.target.value) + 1}` : "board=1"; });
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("reset").addEventListener("click", resetFilters);
byId("more").addEventListener("click", () => drawRows(Infinity));
if ("IntersectionObserver" in window) new IntersectionObserver((seen) => { if (seen.some((s) => s.isIntersecting) && !byId("more").hidden) drawRows(PAGE); }, { rootMargin: "200px" }).observe(byId("more"));
window.addEventListener("beforeprint", () => drawRows(Infinity));
window.addEventListener("hashchange", route);
window.matchMedia("(max-width: 46rem)").addEventListener("change", () => current && applyFilters());
route(null);

/* One method, or one task, with everything that is known of it. */
const back = (board) => make("p", { class: "back" }, make("a", { href: board.index ? `#board=${board.index + 1}` : "#" }, "← All methods"));
const fact = (title, ...shown) => make("li", null, make("b", null, shown), title);

function methodView(board, i) {
  const name = board.name[i];
  return [
    back(board),
    make("h1", null, named(name)),
    make("p", { class: "lead" }, `${board.label}. ${{ ranked: "A ranked method.", control: "A control: it has no rank.", ceiling: "A ceiling: it gives another network, and has no rank." }[board.role[i]]}`,
      board.overlap[i] ? " Sources that saw the task were allowed." : ""),
    make("ul", { class: "facts" },
      fact("rank", rankText(board, i)),
      complete(board, i) ? fact(`mean ${DATA.measure}, %`, percent(board.mean[i]), half(board.half[i])) : fact("cells done", `${board.done[i]} of ${board.planned}`),
      board.delta[i] === null ? null : fact(["points vs ", named(board.baseline)], points(board.delta[i]), half(board.deltaHalf[i])),
      board.p[i] === null ? null : fact("p (Holm)", pText(board.p[i])),
      board.averageRank[i] === null ? null : fact("average rank", board.averageRank[i].toFixed(1)),
      board.macs[i] ? fact("training MACs", size(board.macs[i])) : null),
    missingPart(board, i),
    make("h2", null, "Accuracy by task"), accuracyPart(board, i),
    weightsPart(board, i), curvesPart(board, i),
    make("div", { class: "cards" },
      make("section", null, make("h2", null, "Settings"), settingsPart(board, i)),
      make("section", null, make("h2", null, "Where from"), originPart(board, i))),
    make("h2", null, "Costs"), costPart(board, i),
  ];
}
function missingPart(board, i) {
  if (!board.missing[i].length) return null;
  return make("div", { class: "notice" }, make("p", null, "Incomplete, so without a rank:"),
    make("ul", null, board.missing[i].map(([task, status, reason, seeds]) => make("li", null,
      named(task), `, seed ${seeds.join(", ")}: ${status}${reason ? `: ${reason}` : ""}`))));
}
function accuracyPart(board, i) {
  const base = board.baseline === null ? -1 : board.name.indexOf(board.baseline);
  const ownBase = base === i ? -1 : base;
  const heads = [["task", { class: "left" }], "accuracy, %", ...(ownBase < 0 ? [] : [["vs ", {}]]), "each seed"];
  if (ownBase >= 0) heads[2] = [make("span", null, "vs ", named(board.baseline)), {}];
  const all = board.task[i].filter((v) => v !== null);
  const [low, high] = [Math.min(...all) - 2000, Math.max(...all) + 2000];
  const rows = board.tasks.map((task, t) => {
    const v = board.task[i][t];
    const gap = ownBase < 0 || v === null || board.task[ownBase][t] === null ? null : v - board.task[ownBase][t];
    return [make("a", { href: link("task", task, board.index) }, named(task)),
      make("span", null, percent(v), half(board.taskHalf[i][t]), strip(v, board.taskHalf[i][t], low, high, board.role[i])),
      ...(ownBase < 0 ? [] : [points(gap)]),
      board.seedsOf[i][t].map(percent).join("  ") || NONE];
  });
  return scrolled(tableOf(`Means over seeds ${board.seeds.join(", ")}, ± half the 95 % interval.`, heads, rows), "Accuracy by task");
}
function weightsPart(board, i) {
  const mine = board.weights[i];
  if (!mine) return null;
  const total = new Map();
  mine.forEach((task) => task && task[1].forEach(([s, w]) => total.set(s, (total.get(s) || 0) + w)));
  const order = [...total].sort((a, b) => b[1] - a[1]).map(([s]) => s);
  const shown = order.slice(0, 16);
  const weight = (t, s) => mine[t] && mine[t][1].find((x) => x[0] === s);
  const rows = shown.map((s) => [make("span", { class: "name" }, board.sources[s]), ...board.tasks.map((_, t) => {
    const found = weight(t, s);
    const cell = make("span", { title: found && found[2] !== null ? `score ${number(found[2])}` : null }, found ? found[1].toFixed(2) : "");
    return [cell, found ? { "data-w": found[1] } : {}];
  })]);
  rows.push([[make("i", null, "effective number"), {}], ...mine.map((task) => (task ? number(task[0], 2) : ""))]);
  const node = tableOf("Share that each source got, mean over seeds.", [["source", { class: "left" }], ...board.short], rows, { class: "heat" });
  for (const cell of node.querySelectorAll("[data-w]")) cell.style.setProperty("--w", cell.dataset.w);
  const rest = order.length - shown.length;
  return [make("h2", null, "What it learnt from"), scrolled(node, "Source weights"),
    rest > 0 ? make("p", { class: "small" }, `${plural(rest, "other source")} with less in sum.`) : null];
}
function curvesPart(board, i) {
  if (!board.curves[i].some(Boolean)) return null;
  return [make("h2", null, "Learning curves"),
    make("p", { class: "small" }, "Means over seeds. Solid: accuracy on validation images, 0 to 100 %; dashed: training loss, on a scale of its own."),
    make("div", { class: "curves" }, board.tasks.map((task, t) => board.curves[i][t] && curve(task, board.short[t], board.curves[i][t])))];
}
function curve(task, short, [steps, loss, validation]) {
  const W = 200, H = 96, end = steps[steps.length - 1];
  const top = Math.max(...loss.filter((v) => v !== null), 1e-9);
  const path = (values, most) => values.map((v, n) => (v === null ? "" : `${n ? "L" : "M"}${(6 + (steps[n] / end) * (W - 12)).toFixed(1)} ${(H - 16 - (v / most) * (H - 24)).toFixed(1)}`)).join("").replace(/^L/, "M");
  const last = validation ? validation.filter((v) => v !== null).pop() : null;
  const said = `${task}: ${last === null || last === undefined ? "" : `validation accuracy ${(100 * last).toFixed(1)} % and `}loss ${number(loss[loss.length - 1])} after ${end} steps`;
  return make("figure", null, make("figcaption", null, make("span", { class: "name" }, short), last === null || last === undefined ? "" : `  ${(100 * last).toFixed(1)} %`),
    draw("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": said },
      draw("line", { class: "axis", x1: 6, x2: W - 6, y1: H - 16, y2: H - 16 }),
      draw("path", { class: "line loss", d: path(loss, top) }), validation ? draw("path", { class: "line", d: path(validation, 1) }) : null,
      draw("text", { x: 6, y: H - 4 }, "0"), draw("text", { x: W - 6, y: H - 4, "text-anchor": "end" }, `${end} steps`)));
}
function settingsPart(board, i) {
  const parts = board.settings[i].map(([kind, name, version, params]) => [make("h3", null, `${kind}: `, named(name), version === null ? "" : ` version ${version}`),
    params.length ? pairs(params.map(([k, v]) => [k, value(v)])) : make("p", { class: "small" }, "No parameters.")]);
  const shared = ["protocol", "student"].map((kind) => [make("h3", null, `${kind}, the same for all here`), pairs(board.setting.filter((s) => s[0] === kind).map(([, k, v]) => [k, value(v)]))]);
  return [parts, shared, pairs([["seeds", board.seeds.join(", ")], ["zoo", board.zoo || "none"]])];
}
function originPart(board, i) {
  const plugins = board.plugins.kept[board.plugins.of[i]];
  return [board.origins[i].map((n) => originPairs(DATA.origins[n])),
    plugins.length ? [make("h3", null, "Plugins"), pairs(plugins)] : null,
    board.costs[i].map((c) => [make("h3", null, `Machine ${c[0] + 1}`), pairs(board.machines[c[0]])])];
}
const originPairs = (origin) => pairs([[origin.kind === "run" ? "run folder" : "submission", make("span", { class: "name" }, origin.path)],
  ...(origin.submitter ? [["submitter", origin.submitter]] : []), ...origin.about]);

function costPart(board, i) {
  if (!board.costs[i].length) return make("p", { class: "small" }, "Nothing is known.");
  const titles = ["cells", "student parameters", "student MACs, one image", "latency, ms", "teacher MACs, one image", "images a step", "steps", "student training MACs", "teacher passes MACs", "teacher training MACs", "training MACs in all", "selection MACs, shared", "student training, s", "training in all, s", "cell, s", "peak memory, MB"];
  const show = (v, k) => (k >= 11 || k === 3 || k === 0 ? number(v) : size(v));
  const rows = titles.map((title, k) => [title, ...board.costs[i].map((c) => show(c[k + 1], k))]);
  rows[11][0] = "selection MACs, shared";
  board.costs[i].forEach((c, n) => { rows[11][n + 1] = size(c[12]); });
  return scrolled(tableOf("Means over the done cells; memory: the maximum. Machines are not to be compared in seconds.", [["of one task", { class: "left" }], ...board.costs[i].map((c) => `machine ${c[0] + 1}`)], rows), "Costs");
}
function taskView(board, t) {
  const facts = board.facts[t], task = board.tasks[t];
  const order = board.name.map((_, i) => i).filter((i) => board.task[i][t] !== null && !board.single[i]).sort((a, b) => board.task[b][t] - board.task[a][t]);
  const spread = order.flatMap((i) => [board.task[i][t] - (board.taskHalf[i][t] || 0), board.task[i][t] + (board.taskHalf[i][t] || 0)]);
  const [low, high] = [Math.min(...spread), Math.max(...spread)];
  const used = (i) => { const w = board.weights[i] && board.weights[i][t]; return w && w[1].length ? make("span", { class: "name" }, board.sources[w[1][0][0]], ` ${w[1][0][1].toFixed(2)}`) : NONE; };
  const shown = order.slice(0, 300);
  const rows = shown.map((i) => [make("a", { href: link("method", board.name[i], board.index) }, named(board.name[i])), [rankText(board, i), { class: board.rank[i] ? null : rankText(board, i) }],
    make("span", null, percent(board.task[i][t]), half(board.taskHalf[i][t]), strip(board.task[i][t], board.taskHalf[i][t], low, high, board.role[i])), [used(i), { class: "left" }]]);
  const parts = facts.parts;
  return [back(board), make("h1", null, named(task)), make("p", { class: "lead" }, `${board.label}.`, facts.notes.map((n) => ` ${n}`)),
    make("ul", { class: "facts" }, facts.classes === null ? null : fact("classes", facts.classes.toLocaleString("en")),
      parts && ["labelled", "unlabelled", "validation", "test"].map((what, k) => fact(`${what} images`, parts[k].toLocaleString("en")))),
    make("h2", null, "Methods on this task"),
    scrolled(tableOf("By mean over seeds; ± half the 95 % interval over them. The rank is that over all tasks.", [["method", { class: "left" }], "rank", `${DATA.measure}, %`, ["source with most weight", { class: "left" }]], rows), "Methods on this task"),
    order.length > shown.length ? make("p", { class: "small" }, `The best 300 of ${order.length}.`) : null,
    facts.single.length ? [make("h2", null, "What each source alone led to"), scrolled(tableOf("Accuracy of a student that learnt from this source only, %.", [["source", { class: "left" }], `${DATA.measure}, %`], facts.single.map(([s, m, h]) => [make("span", { class: "name" }, s), make("span", null, percent(m), half(h))])), "Single sources")] : null,
    metricsOfTask(board, t), excludedPart(board, task),
    make("h2", null, "Data"), pairs([["task", facts.use], ["fingerprint", facts.fingerprint || NONE]])];
}
function metricsOfTask(board, t) {
  const lines = board.metrics.filter((m) => m.tasks[t]);
  if (!lines.length) return null;
  return [make("h2", null, "Metrics on this task"), scrolled(tableOf("Against what each source alone led to.", [["metric", { class: "left" }], "weighted tau", "Pearson", "regret 1", "regret 3"],
    lines.map((m) => [make("span", { class: "name" }, m.metric), ...m.tasks[t].map((v, k) => signed((k < 2 ? v : 100 * v).toFixed(k < 2 ? 2 : 1)))])), "Metrics on this task")];
}
function excludedPart(board, task) {
  const mine = board.excluded.filter(([, , tasks]) => tasks.includes(task));
  return mine.length ? [make("h2", null, "Sources left out or marked"), make("ul", { class: "small" }, mine.map(([s, reason]) => make("li", null, make("span", { class: "name" }, s), `: ${reason}`)))] : null;
}

/* What is shown: text, choices and limits, all in one form. */
import { byId, lookedElsewhere, make, put } from "./elements.js";
import { complete, plural, seconds, size } from "./format.js";
import { showPicture } from "./picture.js";
import { adjustedText } from "./against.js";
import { showBoardTable, showRows, table } from "./table.js";

const ALL = "";
const filters = { board: null, inputs: {} };

export function showFilters(board) {
  const form = byId("filters");
  const everything = {
    role: board.single.some(Boolean) ? "all but single sources" : "all",
    against: board.baseline === null ? "nothing" : `${board.baseline} (baseline)`,
  };
  const choice = (key, title, options, then = applyFilters) => {
    if (options.length < 2) return null;
    filters.inputs[key] = make(
      "select",
      { id: `filter-${key}`, oninput: then },
      make("option", { value: ALL }, everything[key] ?? "all"),
      options.map(([v, text]) => make("option", { value: v }, text)),
    );
    return make("label", null, title, filters.inputs[key]);
  };
  const limit = (key, title, values, show) => {
    const steps = [...new Set(values.filter((v) => v !== null))].sort((a, b) => a - b);
    if (steps.length < 2) return null;
    const input = make("input", {
      type: "range",
      id: `filter-${key}`,
      min: 0,
      max: steps.length - 1,
      value: steps.length - 1,
      oninput: () => applyFilters(),
    });
    const output = make("output", { for: `filter-${key}` }, "any");
    input.steps = steps;
    input.output = output;
    input.show = show;
    filters.inputs[key] = input;
    return make("label", null, make("span", null, title, " ", output), input);
  };
  const distinct = (list) => [...new Set(list.filter((v) => v !== ""))].sort();
  const same = (list) => distinct(list).map((v) => [v, v]);
  filters.board = board;
  filters.inputs = {};
  const search = make("input", {
    type: "search",
    id: "search",
    placeholder: "part of a name",
    autocomplete: "off",
    spellcheck: "false",
    oninput: applyFilters,
  });
  filters.inputs.text = search;
  const roles = [...new Set(board.role)].map((r) => [
    r,
    { ranked: "ranked methods", control: "controls", ceiling: "ceilings" }[r],
  ]);
  if (board.again.some((name) => name !== null)) roles.push(["again", "repeated results"]);
  if (board.method.some((_, i) => !complete(board, i)))
    roles.push(["complete", "complete ones"], ["incomplete", "incomplete ones"]);
  if (board.single.some(Boolean)) roles.push(["single", "single sources"]);
  if (roles.length > 1 && board.single.some(Boolean)) roles.push(["everything", "everything"]);
  const kinds = [["baselines", "baselines"], ["distillers", "distillers"], ...same(board.kind)];
  const machine = board.machines.length > 1 ? `, machine ${board.machine + 1}` : "";
  put(
    form,
    make("label", { class: "wide" }, "Search", search),
    choice("kind", "Distiller or baseline", kinds),
    choice("strategy", "Strategy", same(board.strategy)),
    choice("metric", "Metric", same(board.metric)),
    choice("role", "Role", roles),
    choice("evidence", "Evidence", same(board.evidence ?? [])),
    board.overlap.some(Boolean)
      ? choice("overlap", "Sources that saw the task", [
          ["no", "left out"],
          ["yes", "allowed"],
        ])
      : null,
    limit("macs", "Training MACs", board.macs, (v) => `≤ ${size(v)}`),
    limit("seconds", `Training time${machine}`, board.seconds, (v) => `≤ ${seconds(v)}`),
    choice("against", "Differences to", board.pairs ? opponents(board) : [], compareWith),
  );
}
const opponents = (board) =>
  board.method.slice(0, board.pairs.count).map((name, i) => [String(i), name]);

/* Whom the table's "vs" is to: its baseline, or another ranked method. */
function compareWith() {
  const { board } = filters;
  const chosen = filters.inputs.against?.value ?? ALL;
  board.against = chosen === ALL ? null : Number(chosen);
  const told = board.against === null ? "" : `Differences to ${board.method[board.against]}: `;
  byId("against").textContent = told && `${told}gaps of all pairs; p is ${adjustedText(board)}.`;
  showBoardTable(board);
  applyFilters();
}
export function applyFilters() {
  const { board } = table;
  const { inputs } = filters;
  const chosen = (key) => (inputs[key] ? inputs[key].value : ALL);
  const words = chosen("text").toLowerCase().split(/\s+/).filter(Boolean);
  const tests = [];
  if (words.length) {
    board.lower ??= board.method.map((n) => n.toLowerCase());
    tests.push((i) => words.every((w) => board.lower[i].includes(w)));
  }
  const kind = chosen("kind");
  if (kind === "baselines" || kind === "distillers")
    tests.push((i) => board.baselineKind[i] === (kind === "baselines"));
  else if (kind) tests.push((i) => board.kind[i] === kind);
  for (const key of ["strategy", "metric", "evidence"])
    if (chosen(key)) tests.push((i) => board[key][i] === chosen(key));
  const role = chosen("role");
  if (role === "complete" || role === "incomplete")
    tests.push((i) => complete(board, i) === (role === "complete"));
  else if (role === "again") tests.push((i) => board.again[i] !== null);
  else if (role === "single") tests.push((i) => board.single[i]);
  else if (role && role !== "everything")
    tests.push((i) => board.role[i] === role && board.again[i] === null);
  if (role !== "single" && role !== "everything") tests.push((i) => !board.single[i]);
  if (chosen("overlap")) tests.push((i) => board.overlap[i] === (chosen("overlap") === "yes"));
  for (const key of ["macs", "seconds"]) {
    const input = inputs[key];
    if (!input) continue;
    const most = Number(input.value) < Number(input.max) ? input.steps[Number(input.value)] : null;
    const text = most === null ? "any" : input.show(most);
    input.output.textContent = text;
    input.setAttribute("aria-valuetext", text);
    if (most !== null) tests.push((i) => board[key][i] !== null && board[key][i] <= most);
  }
  const shown = [];
  for (let i = 0; i < board.method.length; i++) if (tests.every((test) => test(i))) shown.push(i);
  const usual = Object.values(inputs).every((node) => node.value === usualOf(node));
  const all = plural(board.method.length, "method");
  const without = role === "" && board.single.some(Boolean) ? ", without single sources" : "";
  byId("count").textContent =
    shown.length === board.method.length
      ? all
      : `${shown.length.toLocaleString("en")} of ${all}${without}`;
  byId("reset").hidden = usual;
  showRows(shown);
  lookedElsewhere();
  clearTimeout(filters.later);
  if (shown.length < 200) showPicture(board, shown);
  else filters.later = setTimeout(() => showPicture(board, shown), 150);
}
const usualOf = (node) => (node.type === "range" ? node.max : ALL);
export function resetFilters() {
  for (const node of Object.values(filters.inputs)) node.value = usualOf(node);
  compareWith();
  filters.inputs.text.focus();
}
/* What is chosen otherwise than usual, as [key, value]: methods by name, limits as they are. */
export function chosenFilters() {
  const told = (key, node) =>
    node.steps
      ? node.steps[Number(node.value)]
      : key === "against"
        ? filters.board.method[Number(node.value)]
        : node.value;
  return Object.entries(filters.inputs)
    .filter(([, node]) => node.value !== usualOf(node))
    .map(([key, node]) => [key, told(key, node)]);
}
/* Chooses what `chosenFilters` told; what there is not is as usual. */
export function chooseFilters(asked) {
  for (const [key, node] of Object.entries(filters.inputs)) {
    const value = asked.get(key);
    const at = node.steps
      ? node.steps.indexOf(Number(value))
      : key === "against"
        ? filters.board.method.indexOf(value)
        : value;
    node.value = value === null || at === -1 ? usualOf(node) : String(at);
    if (node.selectedIndex === -1) node.value = ALL;
  }
  compareWith();
}

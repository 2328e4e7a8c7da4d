/* Numbers as text. Shares come as whole numbers of 1e-5. */
const NONE = "–";
const signed = (text) => text.replace("-", "−");
const tenth = (value) => (Math.round(Math.abs(value) / 100) / 10).toFixed(1);
const below = (value) => (value < 0 && tenth(value) !== "0.0" ? "−" : "");
const percent = (value) => (value === null ? NONE : below(value) + tenth(value));
const points = (value) => (value === null ? NONE : (below(value) || "+") + tenth(value));
const half = (value) => (value === null || value === undefined ? null : make("span", { class: "pm" }, ` ±${tenth(value)}`));
const pText = (p) => (p === null ? NONE : p < 0.001 ? "<0.001" : p.toFixed(3));
const range = (pair) => (pair[0] === pair[1] ? `${pair[0]}` : `${pair[0]}–${pair[1]}`);
const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many || one + "s"}`;
function size(value) {
  if (value === null || value === undefined) return NONE;
  for (const [unit, factor] of [["P", 1e15], ["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]])
    if (value >= factor) return `${Number((value / factor).toPrecision(3))} ${unit}`;
  return String(Number(value.toPrecision(3)));
}
const number = (value, digits = 3) => (value === null || value === undefined ? NONE : String(Number(value.toPrecision(digits))));
const seconds = (value) => (value === null || value === undefined ? NONE : value >= 100 ? `${Math.round(value).toLocaleString("en")} s` : `${number(value)} s`);
const value = (thing) => (typeof thing === "string" ? thing : JSON.stringify(thing));
const rankText = (board, i) => board.rank[i] ? range(board.rank[i]) : board.done[i] < board.planned ? "partial" : board.role[i];
const complete = (board, i) => board.done[i] === board.planned;
/* Seconds of training on the machine that most methods were measured on. */
function mainMachine(board) {
  const counts = board.machines.map((_, m) => board.costs.filter((list) => list.some((c) => c[0] === m)).length);
  return counts.indexOf(Math.max(...counts));
}
const SECONDS = 14; /* position of total_training_seconds in a cost */
function trainSeconds(board, i) {
  board.machine ??= mainMachine(board);
  const mine = board.costs[i].find((c) => c[0] === board.machine);
  return mine ? mine[SECONDS] : null;
}
/* An interval on a common axis, as a small picture beside the number that says it. */
function strip(value, spread, low, high, role) {
  const x = (v) => 4 + (88 * (v - low)) / Math.max(high - low, 1);
  const node = draw("svg", { class: `strip ${role}`, viewBox: "0 0 96 14", "aria-hidden": "true" },
    draw("line", { class: "rule", x1: 0, x2: 96, y1: 13.5, y2: 13.5 }));
  if (value === null) return node;
  if (spread) node.append(draw("line", { x1: x(value - spread), x2: x(value + spread), y1: 7, y2: 7 }));
  node.append(draw("circle", { cx: x(value), cy: 7, r: 3 }));
  return node;
}

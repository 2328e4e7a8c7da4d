/* Numbers as text. Values of a measure come as whole numbers of 1e-5. */
import { make, svg } from "./elements.js";

export const NONE = "–";
export const isNone = (value) => value === null || value === undefined;
export const signed = (text) => text.replace("-", "−");
/* Whether the table that is shown has its values in percent; else they are written as they are. */
let inPercent = true;
export const showUnitOf = (board) => {
  inPercent = board.percent;
};
const digits = (value) =>
  inPercent
    ? (Math.round(Math.abs(value) / 100) / 10).toFixed(1)
    : (Math.abs(value) / 1e5).toFixed(3);
const isZero = (text) => !/[1-9]/.test(text);
const below = (value) => (value < 0 && !isZero(digits(value)) ? "−" : "");
export const amount = (value) => (value === null ? NONE : below(value) + digits(value));
export const inUnit = (text) => (inPercent ? `${text} %` : text);
export const headOf = (title) => (inPercent ? `${title}, %` : title);
export const inPoints = (text) => (inPercent ? `${text} points` : text);
export const points = (value) => (value === null ? NONE : (below(value) || "+") + digits(value));
export const half = (value) =>
  isNone(value) ? null : make("span", { class: "pm" }, ` ±${digits(value)}`);
/* Never a number that looks to be on the other side of 0.05. */
export const pText = (p) =>
  p === null
    ? NONE
    : p < 0.001
      ? "<0.001"
      : p.toFixed(3) === "0.050" && p < 0.05
        ? p.toFixed(4)
        : p.toFixed(3);
export const range = (pair) => (pair[0] === pair[1] ? `${pair[0]}` : `${pair[0]}–${pair[1]}`);
export const plural = (count, one, many) =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many || one + "s"}`;
export function size(value) {
  if (isNone(value)) return NONE;
  for (const [unit, factor] of [
    ["P", 1e15],
    ["T", 1e12],
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ])
    if (value >= factor) return `${Number((value / factor).toPrecision(3))} ${unit}`;
  return String(Number(value.toPrecision(3)));
}
export const number = (value, figures = 3) =>
  isNone(value) ? NONE : String(Number(value.toPrecision(figures)));
export const seconds = (value) =>
  isNone(value)
    ? NONE
    : value >= 100
      ? `${Math.round(value).toLocaleString("en")} s`
      : `${number(value)} s`;
export const settingText = (setting) =>
  typeof setting === "string" ? setting : JSON.stringify(setting);
export const rankText = (board, i) =>
  board.rank[i]
    ? range(board.rank[i])
    : !complete(board, i)
      ? "partial"
      : board.again[i] === null
        ? board.role[i]
        : "again";
export const complete = (board, i) => board.coverage[i][0] === board.coverage[i][1];
/* The axis for some methods: that of the ranked ones, and of others where they lie near. */
export function scaleOf(board, indices, values, halves) {
  const ends = (some) =>
    some.flatMap((i) => [values[i] - (halves[i] || 0), values[i] + (halves[i] || 0)]);
  const known = indices.filter((i) => !isNone(values[i]));
  const ranked = known.filter((i) => board.rank[i]);
  const core = ends(ranked.length ? ranked : known);
  const [low, high] = [Math.min(...core), Math.max(...core)];
  const room = Math.max((high - low) / 2, 1000);
  const near = ends(known).filter((v) => v >= low - room && v <= high + room);
  return [Math.min(low, ...near), Math.max(high, ...near)];
}
/* An interval on a common axis, as a small picture beside the number that says it; with `from`,
   a bar from there. What lies beyond the axis is an arrow at its end. */
export function strip(value, spread, [low, high], role, from = null) {
  const x = (v) => 4 + (88 * (Math.min(Math.max(v, low), high) - low)) / Math.max(high - low, 1);
  const node = svg(
    "svg",
    { class: `strip ${role}`, viewBox: "0 0 96 14", "aria-hidden": "true" },
    svg("line", { class: "rule", x1: 0, x2: 96, y1: 13.5, y2: 13.5 }),
  );
  if (from !== null)
    node.append(svg("line", { class: "rule", x1: x(from), x2: x(from), y1: 0, y2: 14 }));
  if (isNone(value)) return node;
  if (value < low || value > high) {
    const d = value < low ? "M1 7L8 3V11Z" : "M95 7L88 3V11Z";
    node.append(svg("path", { class: "beyond", d }));
    return node;
  }
  if (from !== null) node.append(svg("line", { x1: x(from), x2: x(value), y1: 7, y2: 7 }));
  if (spread)
    node.append(svg("line", { x1: x(value - spread), x2: x(value + spread), y1: 7, y2: 7 }));
  node.append(svg("circle", { cx: x(value), cy: 7, r: 3 }));
  return node;
}
/* Whether a method differs from the baseline by more than chance. */
export const isSignificant = (board, i) => board.p_holm[i] !== null && board.p_holm[i] < 0.05;

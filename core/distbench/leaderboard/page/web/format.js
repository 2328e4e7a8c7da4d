/* Numbers as text. Shares come as whole numbers of 1e-5. */
import { make, svg } from "./elements.js";

export const NONE = "–";
export const isNone = (value) => value === null || value === undefined;
export const signed = (text) => text.replace("-", "−");
const tenth = (value) => (Math.round(Math.abs(value) / 100) / 10).toFixed(1);
const below = (value) => (value < 0 && tenth(value) !== "0.0" ? "−" : "");
export const percent = (value) => (value === null ? NONE : below(value) + tenth(value));
export const points = (value) => (value === null ? NONE : (below(value) || "+") + tenth(value));
export const half = (value) =>
  isNone(value) ? null : make("span", { class: "pm" }, ` ±${tenth(value)}`);
export const pText = (p) => (p === null ? NONE : p < 0.001 ? "<0.001" : p.toFixed(3));
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
export const number = (value, digits = 3) =>
  isNone(value) ? NONE : String(Number(value.toPrecision(digits)));
export const seconds = (value) =>
  isNone(value)
    ? NONE
    : value >= 100
      ? `${Math.round(value).toLocaleString("en")} s`
      : `${number(value)} s`;
export const settingText = (setting) =>
  typeof setting === "string" ? setting : JSON.stringify(setting);
export const rankText = (board, i) =>
  board.rank[i] ? range(board.rank[i]) : complete(board, i) ? board.role[i] : "partial";
export const complete = (board, i) => board.coverage[i][0] === board.coverage[i][1];
/* An interval on a common axis, as a small picture beside the number that says it. */
export function strip(value, spread, low, high, role) {
  const x = (v) => 4 + (88 * (v - low)) / Math.max(high - low, 1);
  const node = svg(
    "svg",
    { class: `strip ${role}`, viewBox: "0 0 96 14", "aria-hidden": "true" },
    svg("line", { class: "rule", x1: 0, x2: 96, y1: 13.5, y2: 13.5 }),
  );
  if (value === null) return node;
  if (spread)
    node.append(svg("line", { x1: x(value - spread), x2: x(value + spread), y1: 7, y2: 7 }));
  node.append(svg("circle", { cx: x(value), cy: 7, r: 3 }));
  return node;
}
/* Whether a method differs from the baseline by more than chance. */
export const isSignificant = (board, i) => board.p_holm[i] !== null && board.p_holm[i] < 0.05;

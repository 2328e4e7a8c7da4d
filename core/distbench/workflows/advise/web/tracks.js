/* Numbers as words, and intervals as bands on a line. */
import { make, svg } from "./elements.js";

const MINUS = "\u2212";
export const DASH = "\u2013";
export const signed = (text) => text.replace("-", MINUS);
export const percent = (share) => (share === null ? DASH : `${(100 * share).toFixed(1)} %`);
export const inPoints = (share) =>
  share === null ? DASH : `${share > 0 ? "+" : ""}${signed((100 * share).toFixed(1))}`;
export const amountOf = (value, digits) => (value === null ? DASH : value.toFixed(digits));
export const plural = (count, one, many = `${one}s`) =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
/* "61.2 to 80.4": the ends of an interval. */
export const span = ([, low, high], form = (share) => signed((100 * share).toFixed(1))) =>
  low === null ? "" : `${form(low)} to ${form(high)}`;
export function pText(p) {
  if (p === null) return "";
  return p < 0.001 ? "p < .001" : `p ${p.toFixed(3).replace("0.", ".")}`;
}

/* An interval (mean, low, high) as a band with a tick, between two ends of a scale. */
export function track([mean, low, high], [from, to], kind) {
  const at = (value) => (100 * (Math.min(Math.max(value, from), to) - from)) / (to - from);
  const children = [svg("rect", { class: "ground", x: 0, y: 9, width: 100, height: 2 })];
  if (from < 0 && to > 0)
    children.push(svg("rect", { class: "zero", x: at(0) - 0.2, y: 1, width: 0.4, height: 18 }));
  if (low !== null)
    children.push(
      svg("rect", { class: "band", x: at(low), y: 5, width: at(high) - at(low), height: 10 }),
    );
  if (mean !== null)
    children.push(svg("rect", { class: "tick", x: at(mean) - 0.5, y: 2, width: 1, height: 16 }));
  return svg(
    "svg",
    {
      class: `track ${kind || ""}`,
      viewBox: "0 0 100 20",
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    children,
  );
}
/* The ends of a scale that holds all intervals, at fives. */
export function scaleOf(intervals) {
  const known = intervals.flat().filter((value) => value !== null);
  if (!known.length) return [0, 1];
  const step = 0.05;
  const from = Math.max(0, Math.floor((Math.min(...known) - 0.01) / step) * step);
  const to = Math.min(1, Math.ceil((Math.max(...known) + 0.01) / step) * step);
  return [from, to];
}
/* The scale itself, as the last line of a list of tracks. */
export const axis = ([from, to]) =>
  make(
    "li",
    { class: "axis", "aria-hidden": "true" },
    make("span", null),
    make(
      "span",
      { class: "ends" },
      make("span", null, percent(from)),
      make("span", null, percent((from + to) / 2)),
      make("span", null, percent(to)),
    ),
    make("span", null),
  );

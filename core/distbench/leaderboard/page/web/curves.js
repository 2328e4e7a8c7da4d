/* Learning curves, one small picture a task. */
import { make, svg } from "./elements.js";
import { isNone, number } from "./format.js";

export function curvesPart(board, i) {
  if (!board.curves[i].some(Boolean)) return null;
  return [
    make("h2", null, "Learning curves"),
    make(
      "p",
      { class: "small" },
      "Means over seeds. Solid: accuracy on validation images, 0 to 100 %; " +
        "dashed: training loss, on a scale of its own.",
    ),
    make(
      "div",
      { class: "curves" },
      board.tasks.map((task, t) => board.curves[i][t] && curve(task, board.curves[i][t])),
    ),
  ];
}
function curve(task, [steps, loss, validation]) {
  const W = 200,
    H = 96,
    end = steps[steps.length - 1];
  const top = Math.max(...loss.filter((v) => v !== null), 1e-9);
  const x = (n) => (6 + (steps[n] / end) * (W - 12)).toFixed(1);
  const y = (share) => (H - 16 - share * (H - 24)).toFixed(1);
  const path = (values, most) =>
    values
      .map((v, n) => (v === null ? "" : `${n ? "L" : "M"}${x(n)} ${y(v / most)}`))
      .join("")
      .replace(/^L/, "M");
  const last = validation ? validation.filter((v) => v !== null).pop() : null;
  const accuracy = isNone(last) ? "" : `${(100 * last).toFixed(1)} %`;
  const reached = accuracy && `validation accuracy ${accuracy} and `;
  const label = `${task}: ${reached}loss ${number(loss[loss.length - 1])} after ${end} steps`;
  return make(
    "figure",
    null,
    make("figcaption", null, make("span", { class: "name" }, task), accuracy && `  ${accuracy}`),
    svg(
      "svg",
      { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label },
      svg("line", { class: "axis", x1: 6, x2: W - 6, y1: H - 16, y2: H - 16 }),
      svg("path", { class: "line loss", d: path(loss, top) }),
      validation ? svg("path", { class: "line", d: path(validation, 1) }) : null,
      svg("text", { x: 6, y: H - 4 }, "0"),
      svg("text", { x: W - 6, y: H - 4, "text-anchor": "end" }, `${end} steps`),
    ),
  );
}

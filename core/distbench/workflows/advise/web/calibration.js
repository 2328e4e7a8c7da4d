/* Whether the student is as often right as it says: test images by how sure it is. */
import { ADVICE } from "./data.js";
import { make, svg } from "./elements.js";
import { percent, plural, span } from "./tracks.js";

const SIDE = 320;
const MARGIN = 46;

export function calibrationPart() {
  const known = ADVICE.calibration;
  if (!known)
    return [make("p", { class: "small" }, "The probabilities of its answers are not kept.")];
  const right = known.bins.reduce((sum, [, , n, , accuracy]) => sum + n * (accuracy[0] ?? 0), 0);
  const all = known.bins.reduce((sum, [, , n]) => sum + n, 0);
  const gap = known.confidence - right / all;
  const words =
    Math.abs(gap) < 0.02
      ? "On the whole it is as often right as it says"
      : gap > 0
        ? "On the whole it is too sure"
        : "On the whole it is less sure than it could be";
  return [
    make(
      "p",
      null,
      `${words}: it says ${percent(known.confidence)} and is right on ${percent(right / all)}. ` +
        `Expected calibration error ${percent(known.error)} (${known.bins.length} bins; ` +
        "with few images it is too high by chance).",
    ),
    diagram(known.bins, all),
  ];
}
function diagram(bins, all) {
  const place = (share) => MARGIN + (SIDE - MARGIN - 12) * share;
  const up = (share) => SIDE - MARGIN - (SIDE - MARGIN - 12) * share;
  const floor = SIDE - MARGIN;
  const most = Math.max(...bins.map(([, , n]) => n));
  return svg(
    "svg",
    {
      class: "picture reliability",
      viewBox: `0 0 ${SIDE} ${SIDE + 34}`,
      role: "img",
      "aria-label": bins
        .filter(([, , n]) => n)
        .map(
          ([, , n, sure, accuracy]) =>
            `${n} images: says ${percent(sure)}, right ${percent(accuracy[0])}`,
        )
        .join("; "),
    },
    [0, 0.25, 0.5, 0.75, 1].map((share) => [
      svg("line", { class: "grid", x1: MARGIN, x2: SIDE - 12, y1: up(share), y2: up(share) }),
      svg("text", { x: MARGIN - 6, y: up(share) + 4, "text-anchor": "end" }, `${100 * share}`),
      svg("text", { x: place(share), y: SIDE + 10, "text-anchor": "middle" }, `${100 * share}`),
    ]),
    svg("line", { class: "diagonal", x1: place(0), y1: up(0), x2: place(1), y2: up(1) }),
    bins.map(([low, high, images, sure, accuracy]) => {
      if (!images) return null;
      const right = `right on ${percent(accuracy[0])} (${span(accuracy)})`;
      const told = `${plural(images, "image")}: says ${percent(sure)}, ${right}`;
      const width = place(high) - place(low) - 3;
      return svg(
        "g",
        null,
        svg("title", null, told),
        svg("rect", {
          class: "right-bar",
          x: place(low) + 1.5,
          y: up(accuracy[0]),
          width,
          height: floor - up(accuracy[0]),
        }),
        svg("line", {
          class: "bar",
          x1: place((low + high) / 2),
          x2: place((low + high) / 2),
          y1: up(accuracy[1]),
          y2: up(accuracy[2]),
        }),
        svg("rect", {
          class: "count-bar",
          x: place(low) + 1.5,
          y: floor + 4,
          width,
          height: Math.max((36 * images) / most, 1),
        }),
      );
    }),
    svg(
      "text",
      {
        class: "turned-text",
        transform: `translate(12 ${SIDE / 2}) rotate(-90)`,
        "text-anchor": "middle",
      },
      "right, %",
    ),
    svg(
      "text",
      { x: place(0.5), y: SIDE + 30, "text-anchor": "middle" },
      `how sure it is, % (grey: how many of ${all})`,
    ),
  );
}

/* Accuracy by the number of labels, and what twice as many might bring. */
import { ADVICE } from "./data.js";
import { make, named, svg } from "./elements.js";
import { inPoints, percent, scaleOf, span } from "./tracks.js";

const WIDTH = 640;
const HEIGHT = 300;
const EDGE = { left: 58, right: 20, top: 16, bottom: 42 };
const KINDS = ["one", "two", "three"];

export function labelsPart() {
  if (!ADVICE.curves.length)
    return [make("p", { class: "small" }, "Nothing was trained on a share of the labels.")];
  return [
    make(
      "ul",
      { class: "legend" },
      ADVICE.curves.map((curve, number) =>
        make("li", null, make("span", { class: `key curve ${kindOf(number)}` }), named(curve.of)),
      ),
      ADVICE.curves.some((curve) => curve.next !== null)
        ? make("li", null, make("span", { class: "key fan" }), "if it goes on: nobody has tried")
        : null,
    ),
    curvesPicture(),
    make(
      "ul",
      { class: "said" },
      ADVICE.curves.map((curve) => make("li", null, curve.text)),
    ),
  ];
}
const kindOf = (number) => KINDS[number % KINDS.length];

function curvesPicture() {
  const ends = ADVICE.curves.map((curve) => {
    const [, last] = curve.points.at(-1);
    return last + (curve.next?.[1] ?? 0);
  });
  const [low, high] = scaleOf([
    ...ADVICE.curves.flatMap((c) => c.points.map(([, ...i]) => i)),
    ends,
  ]);
  const counts = ADVICE.curves.flatMap((curve) => curve.points.map(([labels]) => labels));
  const most = Math.max(...counts) * (ADVICE.curves.some((curve) => curve.next !== null) ? 2 : 1);
  const least = Math.min(...counts);
  const reach = Math.max(Math.log2(most / least), 1e-9);
  const x = (labels) =>
    EDGE.left + ((WIDTH - EDGE.left - EDGE.right - 20) * Math.log2(labels / least)) / reach + 10;
  const y = (share) =>
    HEIGHT - EDGE.bottom - ((HEIGHT - EDGE.top - EDGE.bottom) * (share - low)) / (high - low);
  const levels = [0, 1, 2, 3, 4].map((step) => low + (step * (high - low)) / 4);
  const at = [...new Set([...counts, most])].sort((a, b) => a - b);
  return svg(
    "svg",
    {
      class: "picture curve-picture",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": ADVICE.curves.map((curve) => curve.text).join(" "),
    },
    levels.map((share) => [
      svg("line", {
        class: "grid",
        x1: EDGE.left,
        x2: WIDTH - EDGE.right,
        y1: y(share),
        y2: y(share),
      }),
      svg("text", { x: EDGE.left - 8, y: y(share) + 4, "text-anchor": "end" }, percent(share)),
    ]),
    at.map((labels) =>
      svg(
        "text",
        { x: x(labels), y: HEIGHT - 22, "text-anchor": "middle" },
        labels.toLocaleString("en"),
      ),
    ),
    svg("text", { x: WIDTH / 2, y: HEIGHT - 4, "text-anchor": "middle" }, "labelled images"),
    ADVICE.curves.map((curve, number) => oneCurve(curve, kindOf(number), x, y)),
  );
}
function oneCurve(curve, kind, x, y) {
  const line = curve.points.map(([labels, mean]) => `${x(labels)},${y(mean)}`).join(" ");
  const [labels, last] = curve.points.at(-1);
  const ahead = curve.next === null ? null : { x: x(2 * labels), y: y(last + curve.next[0]) };
  const fan = ahead && [
    svg("polygon", {
      class: "fan",
      points: `${x(labels)},${y(last)} ${ahead.x},${y(last + curve.next[1])} ${ahead.x},${y(last)}`,
    }),
    svg("line", { class: "ahead", x1: x(labels), y1: y(last), x2: ahead.x, y2: ahead.y }),
  ];
  return svg(
    "g",
    { class: kind },
    fan,
    svg("polyline", { class: "front-line", points: line }),
    curve.points.map(([count, mean, from, to]) => [
      from === null
        ? null
        : svg("line", { class: "bar", x1: x(count), x2: x(count), y1: y(from), y2: y(to) }),
      svg(
        "circle",
        { class: "point on", cx: x(count), cy: y(mean), r: 4 },
        svg("title", null, `${count} labels: ${percent(mean)} (${span([mean, from, to])})`),
      ),
    ]),
    ahead
      ? svg("title", null, `twice the labels: ${inPoints(curve.next[0])} points if that goes on`)
      : null,
  );
}

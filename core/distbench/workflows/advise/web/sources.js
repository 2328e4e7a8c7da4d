/* Sources: how they are weighed, what they know and what each adds; and students by latency. */
import { ADVICE } from "./data.js";
import { make, named, scrolled, tableOf } from "./elements.js";
import { amountOf, axis, inPoints, percent, plural, scaleOf, span, track } from "./tracks.js";

const SHOWN = 10;

export function sourcesPart() {
  if (!ADVICE.sources.length)
    return [make("p", { class: "small" }, "No source was asked, so that cannot be said.")];
  const scale = scaleOf(ADVICE.sources.map((one) => one.probe));
  const heaviest = Math.max(...ADVICE.sources.map((one) => one.weight), 1e-9);
  const lines = ADVICE.sources.map((one) => sourceLine(one, scale, heaviest));
  return [
    make("p", null, ADVICE.knowledge, " ", ADVICE.votes),
    make(
      "ul",
      { class: "legend" },
      make("li", null, make("span", { class: "key validation" }), "probe on validation images"),
      make(
        "li",
        null,
        make("span", { class: "key share" }),
        "weight, as ",
        named(ADVICE.weighedBy),
        " has it",
      ),
    ),
    make("ol", { class: "lines sources" }, lines.slice(0, SHOWN), axis(scale)),
    lines.length > SHOWN
      ? make(
          "details",
          null,
          make("summary", null, `${lines.length - SHOWN} more`),
          make("ol", { class: "lines sources" }, lines.slice(SHOWN), axis(scale)),
        )
      : null,
    ADVICE.excluded.length
      ? make(
          "details",
          null,
          make("summary", null, `${plural(ADVICE.excluded.length, "source")} left out`),
          make(
            "ul",
            null,
            ADVICE.excluded.map(([name, why]) => make("li", null, named(name), ": ", why)),
          ),
        )
      : null,
  ];
}
function sourceLine(one, scale, heaviest) {
  const weight = make("span", { class: "weight" });
  weight.style.setProperty("--w", one.weight / heaviest);
  const adds = one.adds
    ? `adds ${inPoints(one.adds[0])} points${one.adds[1] === null ? "" : ` (${span(one.adds)})`}`
    : "adds nothing that was measured";
  return make(
    "li",
    null,
    make(
      "span",
      { class: "what" },
      named(one.name),
      make(
        "span",
        { class: "soft" },
        one.trainedOn.length ? `trained on ${one.trainedOn.join(", ")}` : "trained on: unknown",
      ),
    ),
    make(
      "span",
      { class: "both" },
      track(one.probe, scale, "validation"),
      make("span", { class: "weigh", title: "weight" }, weight),
    ),
    make(
      "span",
      { class: "numbers" },
      make("b", null, percent(one.probe[0])),
      ` probe, weight ${one.weight.toFixed(3)}`,
      make("span", { class: "soft" }, adds),
    ),
  );
}
export function studentsPart() {
  if (!ADVICE.students.length)
    return [make("p", { class: "small" }, "The latency of this student was not measured.")];
  const rows = ADVICE.students.map((one) => [
    [
      [named(one.student), one.worth ? make("b", { class: "badge" }, "worth it") : null],
      { class: "left" },
    ],
    percent(one.validation[0]),
    span(one.validation),
    `${amountOf(one.latency, 2)} ms`,
    one.parameters.toLocaleString("en"),
    [named(one.method), { class: "left" }],
  ]);
  return [
    scrolled(
      tableOf(
        "Worth it: none here is as fast and as good. " +
          "Latency of one image on the machine of the run.",
        [
          ["student", { class: "left" }],
          "validation",
          "95 % interval",
          "latency",
          "parameters",
          ["trained by", { class: "left" }],
        ],
        rows,
      ),
      "Students by latency",
    ),
    ADVICE.students.length === 1
      ? make(
          "p",
          { class: "small" },
          "One student was tried. Runs with others in the same folder stand beside it here.",
        )
      : null,
  ];
}

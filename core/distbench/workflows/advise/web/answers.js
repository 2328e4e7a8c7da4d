/* What to do, in a heading and five answers; and the methods, one below the other. */
import { ADVICE } from "./data.js";
import { make, named } from "./elements.js";
import {
  amountOf,
  axis,
  DASH,
  inPoints,
  pText,
  percent,
  plural,
  scaleOf,
  span,
  track,
} from "./tracks.js";

const VERDICTS = { yes: "Yes", no: "No", unclear: "Cannot be told" };

const methodNamed = (name) => ADVICE.methods.find((one) => one.method === name);
const answer = (title, value, ...more) =>
  make(
    "div",
    null,
    make("h2", null, title),
    make("p", { class: "value" }, value),
    make("p", null, more),
  );

export function taskLine() {
  const [classes, labelled, validation, test] = ADVICE.counts;
  return [
    named(ADVICE.task),
    ` · ${plural(classes, "class", "classes")} · ${labelled.toLocaleString("en")} labelled, ` +
      `${validation.toLocaleString("en")} validation and ` +
      `${test.toLocaleString("en")} test images · run `,
    named(ADVICE.run),
  ];
}
export function answerCards() {
  const advised = methodNamed(ADVICE.advised);
  const fastest = ADVICE.students[0];
  const cards = [
    answer(
      "Test accuracy",
      percent(advised.test[0]),
      `95 % interval ${span(advised.test) || "unknown"}`,
    ),
  ];
  if (advised.gain)
    cards.push(
      answer(
        `Gain over ${ADVICE.baseline}`,
        [inPoints(advised.gain[0]), make("small", null, " points")],
        [span(advised.gain), pText(advised.gain[3])].filter(Boolean).join(", ") || "no difference",
      ),
    );
  if (ADVICE.verdict)
    cards.push(
      answer(
        "A source that knows this?",
        VERDICTS[ADVICE.verdict],
        "by the probe of the first one",
      ),
    );
  const curve = ADVICE.curves.find((one) => one.of === ADVICE.advised) ?? ADVICE.curves[0];
  if (curve && curve.next !== null)
    cards.push(
      answer(
        "Twice the labels",
        [inPoints(curve.next[0]), make("small", null, " points")],
        `0 to ${(100 * curve.next[1]).toFixed(1)}, extrapolated; `,
        named(curve.of),
      ),
    );
  if (fastest)
    cards.push(
      answer(
        "Latency",
        [amountOf(fastest.latency, 1), make("small", null, " ms an image")],
        named(fastest.student),
      ),
    );
  return cards;
}
export function methodsPart() {
  const scale = scaleOf(ADVICE.methods.map((one) => [...one.validation, ...one.test]));
  return [
    make(
      "ul",
      { class: "legend" },
      make("li", null, make("span", { class: "key validation" }), "validation, which decides"),
      make("li", null, make("span", { class: "key test" }), "test, which is only reported"),
    ),
    make(
      "ol",
      { class: "lines methods" },
      ADVICE.methods.map((one) => methodLine(one, scale)),
      axis(scale),
    ),
  ];
}
function methodLine(one, scale) {
  const advised = one.method === ADVICE.advised;
  const p = one.gain && one.gain[3] !== null ? `, ${pText(one.gain[3])}` : "";
  const gain = one.gain
    ? `${inPoints(one.gain[0])} (${span(one.gain) || DASH})${p}`
    : one.method === ADVICE.baseline
      ? "the baseline"
      : "gain unknown";
  return make(
    "li",
    { class: advised ? "advised" : one.role },
    make(
      "span",
      { class: "what" },
      named(one.method),
      advised ? make("b", { class: "badge" }, "advised") : null,
      one.role === "ranked" ? null : make("span", { class: "soft" }, one.role),
      one.near && !advised ? make("span", { class: "soft" }, "not told from the best") : null,
    ),
    make(
      "span",
      { class: "both" },
      track(one.validation, scale, "validation"),
      track(one.test, scale, "test"),
    ),
    make(
      "span",
      { class: "numbers" },
      make("b", null, `${percent(one.validation[0])}`),
      ` validation, ${percent(one.test[0])} test`,
      make("span", { class: "soft" }, gain),
    ),
  );
}

/* Classes with examples and recall, what is taken for what, and the images that are wrong. */
import { ADVICE } from "./data.js";
import { make, named, scrolled, tableOf } from "./elements.js";
import { DASH, percent, plural, span, track } from "./tracks.js";

const nameOf = (number) => ADVICE.classes[number].name;
const shownAs = (address, words) => make("img", { src: address, alt: words });

export function classesPart() {
  const order = ADVICE.classes.map((one, number) => [one, number]);
  order.sort(([a], [b]) => (a.recall?.[0] ?? 2) - (b.recall?.[0] ?? 2));
  return [
    make(
      "p",
      { class: "small" },
      "Examples are labelled training images. Share of its test images that ",
      named(ADVICE.advised),
      ` (seed ${ADVICE.seed}) gives each class to, the lowest first.`,
    ),
    make(
      "ol",
      { class: "classes" },
      order.map(([one]) => classCard(one)),
    ),
  ];
}
function classCard(one) {
  const recall = one.recall || [null, null, null];
  return make(
    "li",
    null,
    make(
      "div",
      { class: "strip-of" },
      one.examples.map((address, n) => shownAs(address, `example ${n + 1} of ${one.name}`)),
    ),
    make("h3", null, named(one.name)),
    recall[0] === null ? null : track(recall, [0, 1], "test"),
    make(
      "p",
      null,
      make("b", null, recall[0] === null ? "no test image" : percent(recall[0])),
      recall[0] === null ? "" : ` of ${plural(one.images, "test image")} (${span(recall)})`,
      make(
        "span",
        { class: "soft" },
        `${plural(one.labelled, "label")}, precision ${percent(one.precision ?? null)}`,
      ),
    ),
  );
}
export function confusionPart() {
  const parts = [];
  if (ADVICE.confusion) parts.push(confusionMatrix());
  if (ADVICE.confused.length)
    parts.push(
      make("h3", null, "Taken for another class most often"),
      make(
        "ol",
        { class: "taken" },
        ADVICE.confused
          .slice(0, 10)
          .map(([own, said, count]) =>
            make(
              "li",
              null,
              named(own),
              " for ",
              named(said),
              make("span", { class: "soft" }, ` ${plural(count, "time")}`),
            ),
          ),
      ),
    );
  if (parts.length) return parts;
  const why = ADVICE.judged ? "Nothing is." : "The answers on test images are not kept.";
  return [make("p", { class: "small" }, why)];
}
function confusionMatrix() {
  const rows = ADVICE.confusion.map((counts, own) => {
    const all = Math.max(
      counts.reduce((a, b) => a + b, 0),
      1,
    );
    return [
      named(nameOf(own)),
      ...counts.map((count, said) => {
        const words = `${count} of ${all} of ${nameOf(own)} are said to be ${nameOf(said)}`;
        return [
          count || "",
          {
            class: own === said ? "own" : count ? "other" : null,
            title: words,
            "data-w": count / all,
          },
        ];
      }),
    ];
  });
  const table = tableOf(
    "Rows: what it is. Columns: what is said. Blue is right, red is wrong; the darker, the " +
      "larger its share of the row.",
    ["", ...ADVICE.classes.map((one) => [named(one.name), { class: "turned" }])],
    rows,
    { class: "confusion" },
  );
  for (const cell of table.querySelectorAll("[data-w]"))
    cell.style.setProperty("--w", cell.dataset.w);
  return scrolled(table, "Confusion matrix");
}
export function wrongPart() {
  if (!ADVICE.wrong.length)
    return [
      make(
        "p",
        { class: "small" },
        ADVICE.judged ? "No test image is classified wrongly." : "Not known.",
      ),
    ];
  const more = ADVICE.wrongCount - ADVICE.wrong.length;
  return [
    make(
      "p",
      { class: "small" },
      plural(ADVICE.wrongCount, "test image"),
      ` ${ADVICE.wrongCount === 1 ? "is" : "are"} classified wrongly`,
      ADVICE.wrong[0].probability === null ? "." : "; those of which it is surest come first.",
      more > 0 ? ` ${ADVICE.wrong.length} are shown.` : "",
      " Some may be labelled wrongly.",
    ),
    make("ul", { class: "wrong" }, ADVICE.wrong.map(wrongCard)),
  ];
}
const wrongCard = (one) =>
  make(
    "li",
    null,
    shownAs(one.picture, one.name ?? "test image"),
    make(
      "p",
      { class: "said-of" },
      named(nameOf(one.predicted)),
      one.probability === null ? "" : ` ${percent(one.probability)}`,
    ),
    make("p", null, "is ", named(nameOf(one.label))),
    make("p", { class: "file", title: one.name }, one.name ?? DASH),
  );

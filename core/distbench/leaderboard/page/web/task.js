/* One task, with everything that is known of it. */
import { back, fact, link, make, named, pairs, scrolled, tableOf } from "./elements.js";
import { NONE, amount, half, headOf, points, rankText, scaleOf, signed, strip } from "./format.js";

export function taskView(board, t) {
  const facts = board.facts[t],
    task = board.tasks[t];
  const order = board.method
    .map((_, i) => i)
    .filter((i) => board.task[i][t] !== null && !board.single[i])
    .sort((a, b) => board.sign * (board.task[b][t] - board.task[a][t]));
  const values = board.task.map((row) => row[t]),
    halves = board.taskHalf.map((row) => row[t]);
  const scale = scaleOf(board, order, values, halves);
  const used = (i) => {
    const w = board.weights[i] && board.weights[i][t];
    return w && w[1].length
      ? make("span", { class: "name" }, board.sources[w[1][0][0]], ` ${w[1][0][1].toFixed(2)}`)
      : NONE;
  };
  const shown = order.slice(0, 300);
  const rows = shown.map((i) => [
    make("a", { href: link("method", board.method[i], board.index) }, named(board.method[i])),
    [rankText(board, i), { class: board.rank[i] ? null : rankText(board, i) }],
    make(
      "span",
      null,
      amount(board.task[i][t]),
      half(board.taskHalf[i][t]),
      strip(board.task[i][t], board.taskHalf[i][t], scale, board.role[i]),
    ),
    ...(board.baseline === null ? [] : [board.byTask[i] ? points(board.byTask[i][t]) : NONE]),
    [used(i), { class: "left" }],
  ]);
  const parts = facts.parts;
  const others = board.tasks.filter((_, k) => k !== t && board.groups[k] === board.groups[t]);
  const interval = board.noise ? `; ± half the 95 % interval over ${board.noise}` : "";
  return [
    back(board),
    make("h1", null, named(task)),
    make(
      "p",
      { class: "lead" },
      `${board.label}.`,
      facts.notes.map((n) => ` ${n}`),
      others.length ? ` Counts as one with ${others.join(", ")} (group ${board.groups[t]}).` : null,
    ),
    make(
      "ul",
      { class: "facts" },
      facts.classes === null ? null : fact("classes", facts.classes.toLocaleString("en")),
      parts &&
        ["labelled images", "to learn from", "validation images", "test images"].map((what, k) =>
          fact(what, parts[k].toLocaleString("en")),
        ),
    ),
    make("h2", null, "Methods on this task"),
    scrolled(
      tableOf(
        `By mean over seeds${interval}. The rank is that over all tasks.`,
        [
          ["method", { class: "left" }],
          "rank",
          headOf(board.measures[t]),
          ...(board.baseline === null ? [] : [[["vs ", named(board.baseline)], {}]]),
          ["source with most weight", { class: "left" }],
        ],
        rows,
      ),
      "Methods on this task",
    ),
    order.length > shown.length
      ? make("p", { class: "small" }, `The best 300 of ${order.length}.`)
      : null,
    facts.single.length
      ? [
          make("h2", null, "What each source alone led to"),
          scrolled(
            tableOf(
              `${board.measureHead} of a student that learnt from this source only.`,
              [["source", { class: "left" }], headOf(board.measures[t])],
              facts.single.map(([s, m, h]) => [
                make("span", { class: "name" }, s),
                make("span", null, amount(m), half(h)),
              ]),
            ),
            "Single sources",
          ),
        ]
      : null,
    metricsOfTask(board, t),
    excludedPart(board, task),
    make("h2", null, "Data"),
    pairs([
      ["task", facts.use],
      ["fingerprint", facts.fingerprint || NONE],
    ]),
  ];
}
function metricsOfTask(board, t) {
  const lines = board.metrics.filter((m) => m.tasks[t]);
  if (!lines.length) return null;
  return [
    make("h2", null, "Metrics on this task"),
    scrolled(
      tableOf(
        "Against what each source alone led to.",
        [["metric", { class: "left" }], "weighted tau", "Pearson", "regret 1", "regret 3"],
        lines.map((m) => [
          make(
            "span",
            null,
            make("span", { class: "name" }, m.metric),
            m.chance.some(([task]) => task === board.tasks[t]) ? " (says nothing: chance)" : "",
          ),
          ...m.tasks[t].map((v, k) => signed((k < 2 ? v : 100 * v).toFixed(k < 2 ? 2 : 1))),
        ]),
      ),
      "Metrics on this task",
    ),
  ];
}
function excludedPart(board, task) {
  const mine = board.excluded.filter(([, , tasks]) => tasks.includes(task));
  return mine.length
    ? [
        make("h2", null, "Sources left out or marked"),
        make(
          "ul",
          { class: "small" },
          mine.map(([s, reason]) =>
            make("li", null, make("span", { class: "name" }, s), `: ${reason}`),
          ),
        ),
      ]
    : null;
}

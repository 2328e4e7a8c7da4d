/* The metrics, by how well they pick sources. */
import { make, named, scrolled, tableOf } from "./elements.js";
import { NONE, signed } from "./format.js";

export function metricsPart(board) {
  if (!board.metrics.length)
    return make(
      "p",
      { class: "small" },
      "No metric can be judged here yet: for that, every source has to be tried alone. ",
      make("code", null, "distbench study"),
      " does so, ",
      make("code", null, "distbench submit"),
      " makes a bundle of it, and a page that is built with that bundle has the table here.",
    );
  const many = new Set(board.metrics.map((m) => m.distiller)).size > 1;
  const referenceOf = (m) =>
    board.metrics
      .filter((other) => other.distiller === m.distiller)
      .flatMap((other) => other.differences.map(([name]) => name))
      .find((name) => name !== "random");
  const difference = (m, k) => {
    const found = m.differences.find(([name]) => name === referenceOf(m));
    return found ? valueCell(found[1][k], k, true) : NONE;
  };
  const rows = board.metrics.map((m) => [
    make("span", null, named(m.metric), many ? ` (${m.distiller})` : ""),
    ...m.values.map((v, k) => valueCell(v, k)),
    difference(m, 0),
    difference(m, 2),
    sourcesText(m),
    tasksText(m),
    ...m.tasks.map((t, n) =>
      t && !m.chance.some(([task]) => task === board.tasks[n]) ? signed(t[0].toFixed(2)) : NONE,
    ),
  ]);
  const notes = [...new Set(board.metrics.map((m) => m.distiller))].flatMap((distiller) => {
    const m = board.metrics.find((other) => other.distiller === distiller);
    const students = many ? ` (${distiller})` : "";
    return [
      referenceOf(m)
        ? make(
            "li",
            null,
            `Δ${students}: paired difference to `,
            named(referenceOf(m)),
            "; more regret is worse. Not corrected for their number.",
          )
        : null,
      make("li", null, noiseText(board, m), students),
      ...m.leftOut.map(([task, why]) => make("li", null, "Not judged: ", named(task), `: ${why}`)),
    ];
  });
  const silent = board.metrics.flatMap((m) =>
    m.chance.map(([task, why]) =>
      make("li", null, "Counts as chance: ", named(m.metric), " on ", named(task), `: ${why}`),
    ),
  );
  return [
    scrolled(
      tableOf(
        `Scores against the ${board.measure} that each source alone led to: means over tasks ` +
          "(those that share data count once), ± half the 95 % t interval. What is not scored is " +
          "not chosen. Under a task: its weighted tau; a dash says nothing and counts as chance.",
        [
          ["metric", { class: "left" }],
          "weighted tau",
          "Pearson",
          "regret 1, points",
          "regret 3, points",
          "Δ tau",
          "Δ regret 1",
          "sources",
          "tasks",
          ...board.short,
        ],
        rows,
      ),
      "Metrics",
    ),
    make("ul", { class: "small" }, notes, silent),
  ];
}
function valueCell(v, k, plus) {
  if (v === null) return NONE;
  const shown = (x) => (k < 2 ? x : 100 * x).toFixed(k < 2 ? 2 : 1).replace(/^-(?=[0.]+$)/, "");
  return make(
    "span",
    null,
    (plus && !shown(v[0]).startsWith("-") ? "+" : "") + signed(shown(v[0])),
    v[1] === null ? null : make("span", { class: "pm" }, ` ±${shown(v[1])}`),
  );
}
function sourcesText(m) {
  const [few, most] = m.sources;
  if (!most) return NONE;
  const scored = few === most ? String(few) : `${few}–${most}`;
  return few < m.tried ? `${scored} of ${m.tried}` : scored;
}
/* On how many tasks it says something. */
function tasksText(m) {
  const judged = m.tasks.filter((t) => t !== null).length;
  return m.chance.length ? `${judged - m.chance.length} of ${judged}` : String(judged);
}
function noiseText(board, m) {
  if (!m.noise)
    return (
      "One seed: how much of this is noise cannot be said. " +
      `Regrets are against the best ${board.measure} seen, which is too good by chance.`
    );
  const [tau, regret] = m.noise;
  return (
    `Noise: the results of one seed, as scores of those of the others, have a tau of ` +
    `${signed(tau[0].toFixed(2))}; the source that is the best on the other seeds is ` +
    `${(100 * regret[0]).toFixed(1)} points below the best seen. Regrets here are against that ` +
    "source, so a small one may be negative."
  );
}

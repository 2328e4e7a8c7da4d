/* What stands above and below the table. */
import { DATA } from "./data.js";
import { link, make, named, pairs, scrolled, tableOf } from "./elements.js";
import {
  NONE,
  complete,
  half,
  isSignificant,
  percent,
  plural,
  points,
  range,
  signed,
  size,
} from "./format.js";

export function lead(board) {
  const tasks = plural(board.tasks.length, "task");
  const seeds = plural(board.seeds.length, "seed");
  const ranked = plural(board.rank.filter(Boolean).length, "ranked method");
  const unranked = board.role.filter((role) => role !== "ranked").length;
  const others = plural(unranked, "control or ceiling", "controls and ceilings");
  const incomplete = board.method.filter((_, i) => !complete(board, i)).length;
  const counts = `${ranked}, ${others}, ${incomplete} incomplete`;
  return `Test ${DATA.measure} over ${tasks} and ${seeds}: ${counts}.`;
}
/* What to use, at what cost, and whether the difference is real. */
export function answers(board) {
  const best = board.best;
  if (best < 0)
    return make(
      "div",
      null,
      make("h2", null, "No method is complete"),
      make("p", null, "The table lists what there is."),
    );
  const group = board.rank.map((r, i) => i).filter((i) => board.rank[i] && board.rank[i][0] === 1);
  const others = plural(group.length - 1, "other");
  const go = (i) =>
    make("a", { href: link("method", board.method[i], board.index) }, named(board.method[i]));
  const cards = [
    make(
      "div",
      null,
      make("h2", null, "Most accurate"),
      make(
        "p",
        { class: "value" },
        percent(board.mean[best]),
        make("small", null, half(board.meanHalf[best]), " %"),
      ),
      make("p", null, go(best)),
      make(
        "p",
        null,
        group.length > 1
          ? `Not to be told apart from ${others} (rank ${range(board.rank[best])}).`
          : board.rank.filter(Boolean).length > 1
            ? "Significantly better than every other."
            : "The only ranked method.",
      ),
    ),
  ];
  const cheap = group.filter((i) => board.macs[i]).sort((a, b) => board.macs[a] - board.macs[b])[0];
  const saved = Math.round((100 * board.macs[cheap]) / board.macs[best]);
  if (cheap !== undefined)
    cards.push(
      make(
        "div",
        null,
        make("h2", null, "Least compute in that group"),
        make(
          "p",
          { class: "value" },
          size(board.macs[cheap]),
          make("small", null, " MACs to train"),
        ),
        make("p", null, go(cheap)),
        cheap === best || !board.macs[best]
          ? null
          : make("p", null, `${percent(board.mean[cheap])} %, for ${saved} % of the compute.`),
      ),
    );
  if (board.baseline) {
    const tested = board.p_holm.filter((p) => p !== null).length;
    const significant = board.method.map((_, i) => i).filter((i) => isSignificant(board, i));
    const better = significant.filter((i) => board.delta[i] > 0).length;
    const worse = significant.filter((i) => board.delta[i] < 0).length;
    cards.push(
      make(
        "div",
        null,
        make("h2", null, "Against ", named(board.baseline)),
        make(
          "p",
          { class: "value" },
          board.delta[best] === null ? "±0.0" : points(board.delta[best]),
          make("small", null, half(board.deltaHalf[best]), " points"),
        ),
        tested
          ? make(
              "p",
              null,
              `${better} of ${plural(tested, "method")} significantly better, ${worse} worse.`,
            )
          : null,
      ),
    );
  } else
    cards.push(
      make(
        "div",
        null,
        make("h2", null, "No comparison"),
        make(
          "p",
          null,
          "The baseline ",
          named(board.wanted),
          board.method.includes(board.wanted) ? " is incomplete." : " is not among the methods.",
        ),
      ),
    );
  return cards;
}
export function notesOf(board) {
  const notes = [
    "± is half a 95 % t interval: of a task over its seeds, of the mean over the noise of the " +
      "seeds, of the difference over tasks.",
  ];
  if (board.seeds.length === 1) notes[0] = "One seed: no interval for tasks and mean.";
  if (board.tasks.length === 1)
    notes.push("One task gives no interval over tasks, so ranks are by mean only.");
  else if (board.delta.some((v, i) => v !== null && board.deltaHalf[i] === null))
    notes.push("No interval where the differences to the baseline are equal on all tasks.");
  return [...notes, ...board.leftOut];
}
export function metricsPart(board) {
  if (!board.metrics.length)
    return make(
      "p",
      { class: "small" },
      "To judge the metrics, every source has to be tried alone: " +
        "add runs with --strategy only:NAME for each source, or a study.",
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
      make("li", null, noiseText(m), students),
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
        "Scores against the accuracy that each source alone led to: means over tasks (those that " +
          "share data count once), ± half the 95 % t interval. What is not scored is not chosen. " +
          "Under a task: its weighted tau; a dash says nothing and counts as chance.",
        [
          ["metric", { class: "left" }],
          "weighted tau",
          "Pearson",
          "regret 1, points",
          "regret 3, points",
          "Δ tau",
          "Δ regret 1",
          "sources",
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
function noiseText(m) {
  if (!m.noise)
    return (
      "One seed: how much of this is noise cannot be said. " +
      "Regrets are against the best accuracy seen, which is too high by chance."
    );
  const [tau, regret] = m.noise;
  return (
    `Noise: one seed's accuracies, as scores of those of the others, have a tau of ` +
    `${signed(tau[0].toFixed(2))}; the source that is the best on the other seeds is ` +
    `${(100 * regret[0]).toFixed(1)} points below the best seen. Regrets here are against that ` +
    "source, so a small one may be negative."
  );
}
export function sourcesPart(board) {
  const used = [...new Set(board.origins.flat())];
  const count = (n) => board.origins.filter((o) => o.includes(n)).length;
  const refused = DATA.refused.length
    ? [
        make("h3", null, "Not read"),
        make(
          "ul",
          null,
          DATA.refused.map((line) => make("li", null, line)),
        ),
      ]
    : null;
  return [
    scrolled(
      tableOf(
        "Files behind this table.",
        [
          ["file", { class: "left" }],
          ["kind", { class: "left" }],
          ["submitter", { class: "left" }],
          "methods",
        ],
        used.map((n) => [
          make("span", { class: "name" }, DATA.origins[n].path),
          [DATA.origins[n].kind === "run" ? "run" : "submission", { class: "left" }],
          [DATA.origins[n].submitter || NONE, { class: "left" }],
          String(count(n)),
        ]),
      ),
      "Files",
    ),
    board.machines.map((m, n) => [make("h3", null, `Machine ${n + 1}`), pairs(m)]),
    refused,
  ];
}

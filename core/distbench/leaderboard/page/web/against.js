/* Methods against each other. Tests were made before; here are only their results, and means. */

/* Gap and adjusted p of two ranked methods, the first less the second; null if not compared. */
export function pairOf(board, a, b) {
  const { pairs } = board;
  if (!pairs || a === b || Math.max(a, b) >= pairs.count) return null;
  const [upper, lower] = a < b ? [a, b] : [b, a];
  const gap = pairs.gap[upper][lower - upper - 1];
  const turned = gap === null ? null : a < b ? gap : -gap;
  return { gap: turned, p: pairs.p[upper][lower - upper - 1] };
}
/* Whether the first of two is shown to be better (1), worse (-1), or neither (0). */
export const verdict = (board, pair) =>
  pair && pair.gap !== null && pair.p !== null && pair.p < 0.05
    ? board.sign * Math.sign(pair.gap)
    : 0;
export const pairCount = (board) => (board.pairs.count * (board.pairs.count - 1)) / 2;
export const adjustedText = (board) => `adjusted (Holm) for all ${pairCount(board)} pairs`;

/* What the table's "vs" shows: the tests against its baseline, or those of all pairs. */
export function differences(board) {
  const other = board.against ?? null;
  if (other === null)
    return {
      name: board.baseline,
      delta: board.delta,
      half: board.deltaHalf,
      p: board.p_holm,
    };
  const mine = board.method.map((_, i) => pairOf(board, i, other));
  return {
    name: board.method[other],
    delta: mine.map((pair) => pair && pair.gap),
    half: board.method.map(() => null),
    p: mine.map((pair) => pair && pair.p),
  };
}
/* Two methods on each task, over the seeds that both have: mean difference, and how many. */
export function byTask(board, a, b) {
  const seedsOf = (i, t) => (board.seedsAt[i] ? board.seedsAt[i][t] : board.seeds);
  return board.tasks.map((_, t) => {
    const theirs = new Map(seedsOf(b, t).map((seed, n) => [seed, board.seedsOf[b][t][n]]));
    const gaps = seedsOf(a, t)
      .map((seed, n) => [seed, board.seedsOf[a][t][n]])
      .filter(([seed]) => theirs.has(seed))
      .map(([seed, value]) => value - theirs.get(seed));
    return { gap: gaps.length ? average(gaps) : null, seeds: gaps.length };
  });
}
export const isGrouped = (board) => new Set(board.groups).size < board.tasks.length;
/* Tasks of one group count as one. */
export function overGroups(board, values) {
  if (values.includes(null)) return null;
  const groups = [...new Set(board.groups)];
  return average(groups.map((g) => average(values.filter((_, t) => board.groups[t] === g))));
}
const average = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

/* The table of methods: sorted numbers first, then only as many rows as are looked at. */
const PAGE = 50;

function columnsOf(board) {
  const column = (key, title, values, cell, more) => ({ key, title, values, cell, ...more });
  const [low, high] = span(board);
  const columns = [
    column("rank", "Rank", board.name.map((_, i) => i), (i) => rankText(board, i),
      { first: 1, left: true, help: "Methods that cannot be told apart share a rank" }),
    column("method", "Method", board.name, (i) => [
      make("a", { href: link("method", board.name[i], board.index) }, named(board.name[i])),
      board.overlap[i] ? make("span", { class: "tag", title: "Some sources saw the task" }, "overlap") : null,
    ], { first: 1, left: true, header: true }),
    column("mean", "Mean, %", board.mean, (i) => (complete(board, i)
      ? [make("span", { class: board.best === i ? "best" : null }, percent(board.mean[i])), half(board.half[i]),
        strip(board.mean[i], board.half[i], low, high, board.role[i])]
      : make("span", { class: "pm" }, `${board.done[i]} of ${board.planned} cells`)), { first: -1 }),
  ];
  if (board.baseline) columns.push(
    column("delta", ["vs ", named(board.baseline)], board.delta, (i) => make("span",
      { class: board.p[i] !== null && board.p[i] < 0.05 ? (board.delta[i] > 0 ? "up" : "down") : null },
      points(board.delta[i]), half(board.deltaHalf[i])), { first: -1, help: "Percentage points; coloured where p is below 0.05" }),
    column("p", "p (Holm)", board.p, (i) => pText(board.p[i]), { first: 1 }));
  columns.push(column("averageRank", "Avg. rank", board.averageRank, (i) => (board.averageRank[i] === null ? NONE : board.averageRank[i].toFixed(1)), { first: 1 }));
  if (board.baseline) columns.push(column("wins", "Wins", board.wins, (i) => (board.wins[i] === null ? NONE : `${Math.round(100 * board.wins[i])}%`), { first: -1 }));
  columns.push(
    column("macs", "MACs", board.macs, (i) => size(board.macs[i]), { first: 1, help: "Training on a task: student, passes of its sources, teaching them" }),
    column("seconds", "Seconds", board.name.map((_, i) => trainSeconds(board, i)), (i) => number(trainSeconds(board, i)), { first: 1, help: "The same in seconds, on one machine" }));
  const best = board.tasks.map((_, t) => Math.max(...board.name.map((_, i) => (board.rank[i] ? board.task[i][t] ?? -1 : -1))));
  board.tasks.forEach((task, t) => columns.push(column(`task${t}`,
    make("a", { href: link("task", task, board.index), class: "name", title: task }, board.short[t]),
    board.task.map((row) => row[t]),
    (i) => [make("span", { class: board.rank[i] && board.task[i][t] === best[t] ? "best" : null }, percent(board.task[i][t])),
      half(board.taskHalf[i][t]),
      board.task[i][t] !== null && board.seedsOf[i][t].length < board.seeds.length ? make("span", { class: "pm" }, ` ${board.seedsOf[i][t].length}/${board.seeds.length}`) : null],
    { first: -1, label: board.short[t], link: true })));
  return columns;
}
/* The common axis of the intervals. */
function span(board) {
  let low = Infinity, high = -Infinity;
  board.mean.forEach((m, i) => {
    if (m === null) return;
    low = Math.min(low, m - (board.half[i] || 0));
    high = Math.max(high, m + (board.half[i] || 0));
  });
  return [low, high];
}

const table = { board: null, columns: [], sort: { key: "rank", way: 1 }, shown: [], drawn: 0 };

function showBoardTable(board) {
  table.board = board;
  table.columns = columnsOf(board);
  table.sort = { key: "rank", way: 1 };
  const heads = table.columns.map((c) => make("th", { scope: "col", class: c.left ? "left" : null, title: c.help || null, "data-key": c.key },
    c.link ? [c.title, " ", make("button", { type: "button", "aria-label": `Sort by ${c.label}`, onclick: () => sortBy(c.key) })]
      : make("button", { type: "button", onclick: () => sortBy(c.key) }, c.title)));
  table.body = make("tbody");
  put(byId("methods"), make("caption", { class: "unseen" }, `Methods of ${board.label}; the columns can be sorted`),
    make("thead", null, make("tr", null, heads)), table.body);
}
function sortBy(key) {
  const column = table.columns.find((c) => c.key === key);
  table.sort = { key, way: table.sort.key === key ? -table.sort.way : column.first };
  showRows(table.shown);
}
/* Indices in the order asked for; what has no value is last either way. */
function sorted(indices) {
  const { values } = table.columns.find((c) => c.key === table.sort.key);
  const way = table.sort.way;
  const text = typeof values[0] === "string";
  return [...indices].sort((a, b) => {
    const x = values[a], y = values[b];
    if (x === null || y === null) return (x === null) - (y === null) || a - b;
    if (text) return way * (x < y ? -1 : x > y ? 1 : 0);
    return way * (x - y) || a - b;
  });
}
function showRows(indices) {
  table.shown = sorted(indices);
  table.drawn = 0;
  table.body.replaceChildren();
  for (const head of document.querySelectorAll("#methods thead th"))
    if (head.dataset.key === table.sort.key) head.setAttribute("aria-sort", table.sort.way > 0 ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  byId("methods").setAttribute("aria-rowcount", table.shown.length + 1);
  byId("methods").parentNode.classList.toggle("tall", table.shown.length > 25);
  drawRows(PAGE);
}
function drawRows(count) {
  const part = document.createDocumentFragment();
  const end = Math.min(table.drawn + count, table.shown.length);
  for (let n = table.drawn; n < end; n++) part.append(rowOf(table.shown[n], n));
  table.drawn = end;
  table.body.append(part);
  const rest = table.shown.length - end;
  byId("more").hidden = rest === 0;
  byId("more").textContent = `Show the other ${plural(rest, "method")}`;
}
function rowOf(i, n) {
  const { board, sort } = table;
  const before = n ? table.shown[n - 1] : null;
  const starts = sort.key === "rank" && before !== null && String(board.rank[i]) !== String(board.rank[before]);
  return make("tr", { class: starts ? "start" : null, "aria-rowindex": n + 2 }, table.columns.map((c) => {
    const plain = c.key === "rank" && !board.rank[i] ? rankText(board, i) : c.left ? "left" : null;
    return make(c.header ? "th" : "td", { class: plain, scope: c.header ? "row" : null }, c.cell(i));
  }));
}

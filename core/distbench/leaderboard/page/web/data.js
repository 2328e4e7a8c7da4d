/* What the page shows; where each table is, and its best method. */
export const DATA = JSON.parse(document.getElementById("data").textContent);
DATA.boards.forEach((board, index) => {
  board.index = index;
  board.against = null;
  board.address = index ? `#board=${index + 1}` : "#";
  board.best = board.rank.findIndex(Boolean);
});

/* Making elements. Text only ever becomes text: nothing here reads markup. */

const SVG = "http://www.w3.org/2000/svg";
export const byId = (id) => document.getElementById(id);

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "onclick" || key === "oninput") node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}
export const make = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);
export const put = (node, ...children) => {
  node.replaceChildren();
  return fill(node, null, children);
};

/* Tells whoever keeps the address that something else is looked at now. */
export const lookedElsewhere = () => document.dispatchEvent(new Event("viewchange"));

/* A name that may break after its slashes. */
export function named(text, attributes) {
  const node = make("span", { class: "name", ...attributes });
  String(text)
    .split("/")
    .forEach((part, i, all) => {
      node.append(document.createTextNode(i < all.length - 1 ? part + "/" : part));
      if (i < all.length - 1) node.append(document.createElement("wbr"));
    });
  return node;
}

/* A table of rows of cells, each text, a node, or [content, attributes]. */
export function tableOf(caption, heads, rows, attributes) {
  const cell = (tag, extra) => (content) =>
    Array.isArray(content)
      ? make(tag, { ...extra, ...content[1] }, content[0])
      : make(tag, extra, content);
  return make(
    "table",
    attributes,
    make("caption", null, make("span", null, caption)),
    make("thead", null, make("tr", null, heads.map(cell("th", { scope: "col" })))),
    make(
      "tbody",
      null,
      rows.map(([first, ...rest]) =>
        make("tr", null, cell("th", { scope: "row" })(first), rest.map(cell("td"))),
      ),
    ),
  );
}
export const scrolled = (table, label) =>
  withEdges(
    make("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": label }, table),
  );
/* Shows at the edge of what scrolls sideways that it goes on there. */
export function withEdges(node, tell) {
  const look = () => {
    const more = node.scrollLeft + node.clientWidth < node.scrollWidth - 1;
    node.classList.toggle("goes-on", more);
    if (tell) tell(more);
  };
  node.addEventListener("scroll", look, { passive: true });
  const watch = new ResizeObserver(look);
  for (const one of [node, node.firstChild]) watch.observe(one);
  return node;
}
/* The whole name of a task as the head of a column: it breaks after its hyphens. */
export function headName(text) {
  const parts = String(text).split(/(?<=[-_/])/);
  return parts.map((part, i) => (i ? [make("wbr"), part] : part));
}
export const pairs = (list) =>
  make(
    "dl",
    { class: "pairs" },
    list.map(([k, v]) => [make("dt", null, k), make("dd", null, v)]),
  );
export const link = (view, name, board) =>
  `#${view}=${encodeURIComponent(name)}${board ? `&board=${board + 1}` : ""}`;
/* What both detail views begin with. */
export const back = (board) =>
  make("p", { class: "back" }, make("a", { href: board.address }, "← All methods"));
export const fact = (title, ...shown) => make("li", null, make("b", null, shown), title);

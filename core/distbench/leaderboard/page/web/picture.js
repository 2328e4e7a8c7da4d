/* The means against training compute: one stop of the keyboard, arrows go from method to method. */
import { byId, link, make, named, put, svg } from "./elements.js";
import { amount, headOf, inUnit, plural, scaleOf, signed, size } from "./format.js";

const WIDE = { width: 1000, height: 430, left: 48, right: 24, top: 24, bottom: 46 };
const NARROW = { width: 420, height: 380, left: 40, right: 14, top: 24, bottom: 44 };
const shape = (role, x, y, r) =>
  role === "control"
    ? svg("rect", {
        class: "point",
        x: x - r * 0.88,
        y: y - r * 0.88,
        width: r * 1.76,
        height: r * 1.76,
      })
    : role === "ceiling"
      ? svg("path", {
          class: "point",
          d: `M${x} ${y - r * 1.2}L${x + r * 1.1} ${y + r * 0.8}H${x - r * 1.1}Z`,
        })
      : svg("circle", { class: "point", cx: x, cy: y, r });

const describe = (board, i) => {
  const spread = board.meanHalf[i] ? ` ± ${amount(board.meanHalf[i])}` : "";
  const front = board.front[i] ? ", on the front" : "";
  const mean = inUnit(`${amount(board.mean[i])}${spread}`);
  return `${board.method[i]}: ${mean} for ${size(board.macs[i])} MACs${front}`;
};
export function showPicture(board, indices) {
  const panel = byId("picture");
  const shown = indices.filter((i) => board.mean[i] !== null && board.macs[i]);
  if (!shown.length)
    return put(
      panel,
      make(
        "p",
        { class: "small" },
        "None of the methods shown is complete with its compute known.",
      ),
    );
  const box = window.matchMedia("(max-width: 46rem)").matches ? NARROW : WIDE;
  const macs = shown.map((i) => board.macs[i]);
  const least = Math.min(...macs),
    most = Math.max(...macs);
  const room = Math.max((most / least) ** 0.06, most / least < 4 ? 1.6 : 1.1);
  const [x0, x1] = [Math.log10(least / room), Math.log10(most * room)];
  let [low, high] = scaleOf(board, shown, board.mean, board.meanHalf);
  const spare = Math.max((high - low) * 0.07, 500);
  low -= spare;
  high += spare;
  const x = (v) =>
    box.left + ((Math.log10(v) - x0) / (x1 - x0)) * (box.width - box.left - box.right);
  const y = (v) =>
    box.height -
    box.bottom -
    ((Math.min(Math.max(v, low), high) - low) / (high - low)) * (box.height - box.top - box.bottom);
  const beyond = (i) => (board.mean[i] < low ? "↓ " : board.mean[i] > high ? "↑ " : "");
  const picture = svg("svg", {
    class: "picture",
    viewBox: `0 0 ${box.width} ${box.height}`,
    role: "group",
    "aria-label":
      `${board.measureHead} against training compute of ${plural(shown.length, "method")}; ` +
      "arrow keys go from one to the next",
  });
  axes(picture, box, { x0, x1, low, high, x, y }, board);
  const order = [...shown].sort(
    (a, b) => board.macs[a] - board.macs[b] || board.sign * (board.mean[b] - board.mean[a]),
  );
  const front = order.filter((i) => board.front[i]);
  if (front.length) {
    const steps = front
      .map((i, n) => `${n ? `H${x(board.macs[i])}V` : `M${x(board.macs[i])} `}${y(board.mean[i])}`)
      .join("");
    picture.append(svg("path", { class: "front", d: `${steps}H${box.width - box.right}` }));
  }
  const caption = make(
    "p",
    { class: "caption", "aria-live": "polite" },
    "Point at a method, or use the arrow keys.",
  );
  const few = shown.length <= 150;
  const nodes = order.map((i, n) => {
    const [cx, cy] = [x(board.macs[i]), y(board.mean[i])];
    const mark = shape(board.role[i], cx, cy, few ? 5.5 : 3.5);
    if (board.front[i]) mark.classList.add("on");
    const text = describe(board, i);
    const node = svg(
      "g",
      { class: board.role[i], role: "link", tabindex: n ? -1 : 0, "aria-label": text },
      svg("title", null, text),
      beyond(i)
        ? svg("text", { x: cx + 10, y: cy - 4 }, `${beyond(i)}${amount(board.mean[i])}`)
        : null,
      few && board.meanHalf[i] && !beyond(i)
        ? svg("line", {
            class: "bar",
            x1: cx,
            x2: cx,
            y1: y(board.mean[i] - board.meanHalf[i]),
            y2: y(board.mean[i] + board.meanHalf[i]),
          })
        : null,
      mark,
      svg("circle", { class: "halo", cx, cy, r: 9 }),
    );
    const showCaption = () => put(caption, named(text));
    node.addEventListener("mouseenter", showCaption);
    node.addEventListener("focus", showCaption);
    node.addEventListener("click", () => {
      location.hash = link("method", board.method[i], board.index);
    });
    node.addEventListener("keydown", (event) => move(event, nodes, n));
    return node;
  });
  picture.append(...nodes);
  labels(
    picture,
    box,
    front.map((i) => ({ text: board.method[i], x: x(board.macs[i]), y: y(board.mean[i]) })),
  );
  put(panel, legend(board, shown, shown.some(beyond)), picture, caption);
}
function move(event, nodes, n) {
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    nodes[n].dispatchEvent(new MouseEvent("click"));
    return;
  }
  const to = {
    ArrowRight: n + 1,
    ArrowUp: n + 1,
    ArrowLeft: n - 1,
    ArrowDown: n - 1,
    Home: 0,
    End: nodes.length - 1,
  }[event.key];
  if (to === undefined || !nodes[to]) return;
  event.preventDefault();
  nodes[n].setAttribute("tabindex", -1);
  nodes[to].setAttribute("tabindex", 0);
  nodes[to].focus();
}
function axes(picture, box, { x0, x1, low, high, x, y }, board) {
  const [unit, steps, most] = board.percent
    ? [1000, [0.5, 1, 2, 5, 10, 20, 50], 100]
    : [1e5, [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5], 10];
  const raw = (high - low) / unit / 7;
  const step = steps.find((s) => s >= raw) || most;
  for (let v = Math.ceil(low / unit / step) * step; v <= high / unit; v += step) {
    const at = y(v * unit);
    picture.append(
      svg("line", { class: "grid", x1: box.left, x2: box.width - box.right, y1: at, y2: at }),
      svg(
        "text",
        { x: box.left - 8, y: at + 4, "text-anchor": "end" },
        signed(String(Number(v.toFixed(board.percent ? 1 : 3)))),
      ),
    );
  }
  const digits = x1 - x0 < 1.2 ? [1, 2, 3, 5, 7] : x1 - x0 < 3 ? [1, 2, 5] : [1];
  for (let power = Math.floor(x0); power <= x1; power++)
    for (const digit of digits) {
      const v = digit * 10 ** power;
      if (Math.log10(v) < x0 || Math.log10(v) > x1) continue;
      picture.append(
        svg("line", {
          class: "axis",
          x1: x(v),
          x2: x(v),
          y1: box.height - box.bottom,
          y2: box.height - box.bottom + 4,
        }),
        svg("text", { x: x(v), y: box.height - box.bottom + 18, "text-anchor": "middle" }, size(v)),
      );
    }
  picture.append(
    svg("line", {
      class: "axis",
      x1: box.left,
      x2: box.width - box.right,
      y1: box.height - box.bottom,
      y2: box.height - box.bottom,
    }),
    svg(
      "text",
      { x: box.width - box.right, y: box.height - 8, "text-anchor": "end" },
      "training MACs a task, log scale",
    ),
    svg(
      "text",
      { x: box.left - 8, y: 12, "text-anchor": "start" },
      headOf(`mean ${board.measure}`) + (board.sign > 0 ? "" : ", lower is better"),
    ),
  );
}
/* Names of the front, left out where they would lie on one another. */
function labels(picture, box, wanted) {
  const taken = [];
  for (const { text, x, y } of wanted.reverse()) {
    const short = text.length > 42 ? `${text.slice(0, 20)}…${text.slice(-21)}` : text;
    const width = short.length * 7;
    const left = x - width - 10 > box.left;
    const rect = { x: left ? x - width - 10 : x + 10, y: y - 20, w: width, h: 16 };
    if (
      rect.x + width > box.width ||
      taken.some(
        (r) =>
          r.x < rect.x + rect.w &&
          rect.x < r.x + r.w &&
          r.y < rect.y + rect.h &&
          rect.y < r.y + r.h,
      )
    )
      continue;
    taken.push(rect);
    picture.append(
      svg(
        "text",
        {
          class: "label",
          x: left ? x - 8 : x + 8,
          y: y - 8,
          "text-anchor": left ? "end" : "start",
          "aria-hidden": "true",
        },
        short,
      ),
    );
  }
}
function legend(board, shown, cut) {
  const small = (role) =>
    svg(
      "svg",
      { viewBox: "0 0 14 14", class: `picture ${role}`, "aria-hidden": "true" },
      svg("g", { class: role }, shape(role, 7, 7, 4.5)),
    );
  const roles = ["ranked", "control", "ceiling"].filter((r) =>
    shown.some((i) => board.role[i] === r),
  );
  return make(
    "ul",
    { class: "legend" },
    roles.map((r) =>
      make(
        "li",
        null,
        small(r),
        { ranked: "ranked", control: "control", ceiling: "ceiling: gives another network" }[r],
      ),
    ),
    make("li", { class: "front" }, "line, filled: front of all methods"),
    shown.some((i) => board.meanHalf[i]) ? make("li", null, "bars: 95 % intervals") : null,
    cut ? make("li", null, "↓ ↑ beyond the scale, which is that of the ranked methods") : null,
  );
}

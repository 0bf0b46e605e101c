// Vectors of two numbers as arrows in a plane, which can be dragged, or walked with the arrow keys.
// What somebody wrote becomes text nodes, never mark-up.
const SVG = "http://www.w3.org/2000/svg";
const SIZE = 360; // of the drawing, in its own units
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".plane");
  if (!root) {
    root = document.createElement("div");
    root.className = "plane";
    parentElement.append(root);
  }
  root.send = (event) => setTriggerValue("event", event);
  root.data = data;
  if (!root.dragged) draw(root);
}

function svg(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function draw(root) {
  const { points, label } = root.data;
  const held = root.querySelector(":focus")?.dataset.name; // it keeps the focus
  const picture = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "group", "aria-label": label });
  picture.append(...grid(root.data));
  picture.append(...points.map((point) => arrow(root, point)));
  root.replaceChildren(picture);
  if (held) root.querySelector(`[data-name="${held}"]`)?.focus();
}

const across = (data, x) => (SIZE / 2) * (1 + x / data.reach);
const down = (data, y) => (SIZE / 2) * (1 - y / data.reach);

function grid(data) {
  const lines = [];
  for (let i = -data.lines; i <= data.lines; i += 1) {
    const place = (i * data.reach) / data.lines;
    const kind = i === 0 ? "axis" : "grid";
    lines.push(svg("line", { class: kind, x1: across(data, place), x2: across(data, place), y1: 0, y2: SIZE }));
    lines.push(svg("line", { class: kind, x1: 0, x2: SIZE, y1: down(data, place), y2: down(data, place) }));
    if (i > 0) lines.push(svg("text", { class: "tick", x: across(data, place) - 3, y: SIZE / 2 + 12 }, `${+place.toFixed(4)}`));
  }
  return lines;
}

function arrow(root, point) {
  const group = svg("g", { class: `point ${point.kind}`, tabindex: 0, role: "button", "aria-label": point.says });
  group.dataset.name = `${point.kind}-${point.index}`;
  group.classList.toggle("chosen", point.chosen);
  group.append(svg("line", { class: "shaft" }), svg("circle", { class: "touch", r: 16 }), mark(point), svg("text", { class: "name" }, point.name));
  put(root, group, point.x, point.y);
  group.addEventListener("pointerdown", (event) => grab(root, group, point, event));
  group.addEventListener("keydown", (event) => walk(root, group, point, event));
  return group;
}

// A query is a diamond, a key a disc as full as its weight.
function mark(point) {
  if (point.kind === "query") return svg("path", { class: "mark", d: "M0 -9 L9 0 L0 9 L-9 0 Z" });
  return svg("circle", { class: "mark", r: 7, fill: point.fill });
}

function put(root, group, x, y) {
  const [left, top] = [across(root.data, x), down(root.data, y)];
  const [line, touch, sign, name] = group.children;
  for (const [key, value] of Object.entries({ x1: SIZE / 2, y1: SIZE / 2, x2: left, y2: top })) line.setAttribute(key, value);
  for (const each of [touch, sign]) each.setAttribute("transform", `translate(${left} ${top})`);
  const flip = left > SIZE - 70; // the name stays inside
  name.setAttribute("x", left + (flip ? -11 : 11));
  name.setAttribute("y", Math.max(14, Math.min(SIZE - 4, top - 8)));
  name.setAttribute("text-anchor", flip ? "end" : "start");
}

function inside(root, value) {
  const { reach, step } = root.data;
  const rounded = Math.round(value / step) * step;
  return +Math.max(-reach, Math.min(reach, rounded)).toFixed(6);
}

function grab(root, group, point, event) {
  event.preventDefault();
  group.focus();
  group.setPointerCapture(event.pointerId);
  root.dragged = group;
  let [x, y] = [point.x, point.y];
  const move = (at) => {
    const box = root.firstChild.getBoundingClientRect();
    x = inside(root, (((at.clientX - box.left) / box.width) * 2 - 1) * root.data.reach);
    y = inside(root, (1 - ((at.clientY - box.top) / box.height) * 2) * root.data.reach);
    put(root, group, x, y);
  };
  const drop = () => {
    group.removeEventListener("pointermove", move);
    root.dragged = null;
    tell(root, point, x, y);
  };
  group.addEventListener("pointermove", move);
  group.addEventListener("pointerup", drop, { once: true });
  group.addEventListener("pointercancel", drop, { once: true });
}

function walk(root, group, point, event) {
  const way = WAYS[event.key];
  if (!way && event.key !== "Enter") return;
  event.preventDefault();
  const step = root.data.step * (event.shiftKey ? 5 : 1);
  const [dx, dy] = way ?? [0, 0];
  const [x, y] = [inside(root, point.x + dx * step), inside(root, point.y + dy * step)];
  put(root, group, x, y);
  tell(root, point, x, y);
  [point.x, point.y] = [x, y];
}

function tell(root, { kind, index }, x, y) {
  root.send({ kind, index, x, y });
}

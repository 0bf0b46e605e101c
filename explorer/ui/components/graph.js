// A computational graph as SVG: values in nodes, gradients on edges, and in words what is pointed
// at. All that is shown becomes text nodes.
const SVG = "http://www.w3.org/2000/svg";

export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(".graph");
  if (!root) {
    root = html("div", "graph");
    parentElement.append(root);
  }
  root.data = data;
  root.pinned = null;
  draw(root);
}

function html(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function svg(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function draw(root) {
  const { size, nodes, edges, paths, label, hint, heading } = root.data;
  const places = Object.fromEntries(nodes.map((node) => [node.name, node]));
  const picture = svg("svg", { viewBox: `0 0 ${size.join(" ")}`, role: "group", "aria-label": label });
  const parts = [...edges.map((each) => edge(each, places)), ...nodes.map(node)];
  picture.append(...parts);
  const says = html("div", "says", hint);
  says.setAttribute("aria-live", "polite");
  const row = html("div", "paths");
  row.append(...paths.map(path));
  const frame = html("div", "frame");
  frame.append(picture);
  root.replaceChildren(frame, says, html("div", "heading", heading), row);
  for (const part of [...parts, ...row.children]) listen(root, part, says);
}

// From the rim of one node to the rim of the other.
function edge(each, places) {
  const [from, to] = [places[each.source], places[each.target]];
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const start = rim(from, dx, dy);
  const end = rim(to, -dx, -dy);
  const names = ["edge", each.weight && "weight", each.cut && "cut"].filter(Boolean).join(" ");
  const group = svg("g", { class: names, tabindex: 0, role: "img", "aria-label": `${from.letter}, ${to.letter}: ${each.says}` });
  const ends = { x1: start.x, y1: start.y, x2: end.x, y2: end.y };
  const angle = (Math.atan2(dy, dx) * 180) / Math.PI;
  group.append(
    svg("line", { class: "touch", ...ends }),
    svg("line", { class: "line", ...ends }),
    svg("path", { class: "tip", d: "M0 0 L-8 -3.5 L-8 3.5 Z", transform: `translate(${end.x} ${end.y}) rotate(${angle})` }),
    svg("text", { class: "number", ...beside(start, end) }, each.number),
  );
  group.runs = [[each.source, each.target]];
  group.says = each.says;
  group.edge = `${each.source} ${each.target}`;
  return group;
}

// Beside the middle of an edge: above a flat one, to the outer side of a steep one.
function beside(start, end) {
  const [dx, dy] = [end.x - start.x, end.y - start.y];
  const length = Math.hypot(dx, dy);
  const side = dx > 0.5 ? -1 : 1;
  return {
    x: (start.x + end.x) / 2 + (side * Math.abs(dy) * 27) / length,
    y: (start.y + end.y) / 2 + 4 - (Math.abs(dx) * 11) / length,
  };
}

function rim(node, dx, dy) {
  const [w, h] = node.weight ? [29, 18] : [31, 24];
  const share = node.weight
    ? Math.min(w / Math.abs(dx || 1e-9), h / Math.abs(dy || 1e-9))
    : 1 / Math.hypot(dx / w, dy / h);
  return { x: node.x + dx * share, y: node.y + dy * share };
}

function node(each) {
  const group = svg("g", { class: each.weight ? "node weight" : "node", tabindex: 0, role: "img", "aria-label": each.says });
  const shape = each.weight
    ? svg("rect", { class: "shape", x: each.x - 29, y: each.y - 18, width: 58, height: 36, rx: 5 })
    : svg("ellipse", { class: "shape", cx: each.x, cy: each.y, rx: 31, ry: 24 });
  group.append(
    shape,
    svg("text", { class: "letter", x: each.x, y: each.y - 3 }, each.letter),
    svg("text", { class: "value", x: each.x, y: each.y + 12 }, each.value),
  );
  group.runs = [];
  group.says = each.says;
  return group;
}

function path(each) {
  const button = html("button", "path", `${each.name}  ${each.number}`);
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  button.runs = each.edges;
  button.says = each.says;
  return button;
}

function listen(root, part, says) {
  const show = (chosen) => {
    const runs = new Set((chosen?.runs ?? []).map((pair) => pair.join(" ")));
    for (const each of root.querySelectorAll(".edge, .node"))
      each.classList.toggle("marked", each === chosen || runs.has(each.edge));
    for (const each of root.querySelectorAll(".path"))
      each.setAttribute("aria-pressed", String(each === root.pinned));
    says.textContent = chosen?.says ?? root.data.hint;
  };
  const leave = () => show(root.pinned);
  part.addEventListener("mouseenter", () => show(part));
  part.addEventListener("focus", () => show(part));
  part.addEventListener("mouseleave", leave);
  part.addEventListener("blur", leave);
  part.addEventListener("click", () => {
    root.pinned = root.pinned === part ? null : part;
    show(root.pinned ?? part);
  });
}

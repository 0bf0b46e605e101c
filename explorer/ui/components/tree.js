// The tree of a search, from left to right, a column a step. It is stepped through, folded, zoomed
// and walked here, without the server; what somebody wrote becomes text nodes, never mark-up.
const BLANKS = { " ": "␣", "\n": "⏎", "\t": "⇥" };
const SVG = "http://www.w3.org/2000/svg";
const LETTER = 7.4; // pixels of a letter of the words
const LONGEST = 14; // letters of a word that are drawn
const BETWEEN = 46; // pixels between two columns, for the lines
const ROOMY = 64; // so many nodes have their numbers below them
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]/u;

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".tree");
  if (!root) {
    root = html("div", "tree");
    parentElement.append(root);
    build(root);
  }
  root.send = (event) => setTriggerValue("event", event);
  const other = root.data?.id !== data.id;
  root.data = data;
  if (other) start(root);
  root.selected = data.selected ?? root.selected;
  draw(root);
  if (other) requestAnimationFrame(() => fit(root));
}

function html(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function svg(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function build(root) {
  root.bar = html("div", "bar");
  root.frame = html("div", "frame");
  root.frame.tabIndex = -1;
  root.foot = html("div", "foot");
  root.says = html("div", "says");
  root.says.setAttribute("aria-live", "polite");
  root.force = html("button", "force");
  root.force.type = "button";
  root.force.onclick = () => root.send({ node: root.selected, force: true });
  root.foot.append(root.says, root.force);
  root.append(root.bar, root.frame, root.foot);
  listen(root);
  drag(root.frame);
  root.frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(root, event.deltaY < 0 ? 1.15 : 1 / 1.15, event);
  }, { passive: false });
}

// One listener for all nodes: there are hundreds.
function listen(root) {
  const at = (event) => event.target.closest?.(".node")?.node;
  const on = (name, act) => root.frame.addEventListener(name, (event) => {
    const node = at(event);
    if (node !== undefined) act(node, event);
  });
  root.frame.addEventListener("mouseover", (event) => tell(root, at(event) ?? root.selected));
  root.frame.addEventListener("mouseleave", () => tell(root, root.selected));
  on("focusin", (node) => tell(root, node));
  on("click", (node, event) => {
    if (event.target.closest(".stub:not(.fixed)")) unfold(root, node);
    else select(root, node);
  });
  on("dblclick", (node) => root.send({ node, force: true }));
  on("keydown", (node, event) => key(root, node, event));
}

// A new search: everything as it is at first.
function start(root) {
  const { nodes } = root.data;
  root.open = new Set();
  root.children_ = nodes.parent.map(() => []);
  nodes.parent.forEach((parent, node) => parent >= 0 && root.children_[parent].push(node));
  root.deepest = Math.max(1, ...nodes.depth);
  root.level = root.deepest;
  root.selected = null;
  root.zoom = 1;
  root.bar.replaceChildren(steps(root), zooms(root), legend(root));
}

function button(text, label, act) {
  const made = html("button", "tool", text);
  made.type = "button";
  made.title = label;
  made.setAttribute("aria-label", label);
  made.onclick = act;
  return made;
}

function steps(root) {
  const { says } = root.data;
  const group = html("div", "group");
  root.shownLevel = html("span", "level");
  const go = (level) => {
    root.level = Math.min(root.deepest, Math.max(1, level));
    draw(root);
    follow(root);
  };
  group.append(
    button("|◀", says.first, () => go(1)),
    button("◀", says.back, () => go(root.level - 1)),
    root.shownLevel,
    button("▶", says.on, () => go(root.level + 1)),
    button("▶|", says.all, () => go(root.deepest)),
  );
  return group;
}

function zooms(root) {
  const { says } = root.data;
  const group = html("div", "group");
  group.append(
    button("−", says.smaller, () => zoom(root, 1 / 1.25)),
    button("+", says.larger, () => zoom(root, 1.25)),
    button("◻", says.fit, () => fit(root)),
  );
  return group;
}

function legend(root) {
  const group = html("div", "legend");
  for (const state of root.data.legend) {
    const { name } = root.data.looks[state];
    const item = html("span", "item");
    const sample = svg("svg", { width: 30, height: 16, "aria-hidden": "true" });
    sample.append(state === "reference"
      ? svg("path", { d: "M2 8 H28", ...stroke(root, state) })
      : svg("rect", { x: 2, y: 2.5, width: 26, height: 11, ...shape(root, state) }));
    item.append(sample, document.createTextNode(name));
    group.append(item);
  }
  return group;
}

function shape(root, state) {
  const { colour } = root.data.looks[state];
  const soft = state === "kept" || state === "pruned";
  return {
    rx: soft ? 9 : 1.5,
    fill: state === "best" ? colour : "var(--st-background-color)",
    stroke: colour,
    "stroke-width": state === "finished" || state === "cut" ? 2 : 1.3,
    "stroke-dasharray": state === "pruned" || state === "cut" ? "4 3" : "none",
  };
}

function stroke(root, state) {
  const { colour } = root.data.looks[state];
  const width = { best: 4.6, reference: 3.2, pruned: 1 }[state] ?? 1.5;
  const dash = { pruned: "4 4", reference: "0.1 6.5", cut: "6 3" }[state] ?? "none";
  return { fill: "none", stroke: colour, "stroke-width": width, "stroke-dasharray": dash,
           "stroke-linecap": state === "reference" ? "round" : "butt" };
}

// What stands in the picture at this level of the search, column by column.
function columns(root) {
  const { nodes } = root.data;
  const stepping = root.level < root.deepest;
  const found = [[0]];
  for (let depth = 1; depth <= root.level; depth++) {
    const column = [];
    for (const parent of found[depth - 1])
      for (const node of root.children_[parent])
        if (nodes.visible[node] || root.open.has(parent) || (stepping && depth === root.level))
          column.push(node);
    if (!column.length) break;
    found.push(column);
  }
  return found;
}

// Nodes keep the order of their parents and, below one parent, of their rank; each as near to its
// parent as the others let it (as in explorer/views/tree.py).
function heights(root, found) {
  const { nodes } = root.data;
  const height = new Map([[0, 0]]);
  for (const column of found.slice(1)) {
    const families = new Map();
    for (const node of column) {
      const family = families.get(nodes.parent[node]) ?? [];
      family.push(node);
      families.set(nodes.parent[node], family);
    }
    const wished = [];
    const order = [...families].sort(([a], [b]) => height.get(a) - height.get(b));
    for (const [parent, family] of order) {
      family.sort((a, b) => nodes.rank[a] - nodes.rank[b]);
      family.forEach((node, i) =>
        wished.push([node, height.get(parent) + i - (family.length - 1) / 2]));
    }
    let last = -Infinity;
    let shift = 0;
    for (const each of wished) {
      each.own = last = Math.max(each[1], last + 1);
      shift += each[1] - last;
    }
    for (const each of wished) height.set(each[0], each.own + shift / wished.length);
  }
  return height;
}

function visible(label) {
  return [...label].map((sign) => BLANKS[sign] ?? sign).join("");
}

function cut(label) {
  const signs = [...visible(label)];
  if (signs.length <= LONGEST) return signs.join("");
  return signs.slice(0, LONGEST / 2).join("") + "…" + signs.slice(1 - LONGEST / 2).join("");
}

function wide(text) {
  return [...text].reduce((sum, sign) => sum + (WIDE.test(sign) ? 1.75 : 1), 0) * LETTER;
}

function draw(root) {
  const { nodes, says } = root.data;
  const found = columns(root);
  const height = heights(root, found);
  const count = found.reduce((sum, column) => sum + column.length, 0);
  const roomy = count <= ROOMY;
  const lane = roomy ? 44 : 27;
  const low = Math.min(...height.values());
  const high = Math.max(...height.values());
  const place = new Map();
  let x = 14;
  for (const column of found) {
    const widest = Math.max(...column.map((node) => wide(word(root, node)))) + 18;
    for (const node of column)
      place.set(node, { x, y: (height.get(node) - low) * lane + 26,
                        w: wide(word(root, node)) + 18 });
    x += widest + BETWEEN;
  }
  root.size = [x, (high - low) * lane + 60];
  root.place = place;
  const picture = svg("svg", { role: "tree", "aria-label": root.data.label,
                               viewBox: `0 0 ${root.size.join(" ")}` });
  const lines = svg("g", { "aria-hidden": "true" });
  const pills = svg("g", { role: "none" });
  const marked = [];
  for (const [node, at] of place) {
    if (node) {
      const from = place.get(nodes.parent[node]);
      const final = root.level === root.deepest;
      lines.append(edge(root, from, at, state(root, node)));
      if (nodes.on_best[node] && final) marked.push([from, at, "best"]);
      if (nodes.on_reference[node]) marked.push([from, at, "reference"]);
    }
    pills.append(pill(root, node, at, roomy));
  }
  for (const each of marked) lines.append(edge(root, ...each));
  picture.append(lines, pills);
  root.picture = picture;
  const kept = [root.frame.scrollLeft, root.frame.scrollTop];
  root.frame.replaceChildren(picture);
  scale(root);
  [root.frame.scrollLeft, root.frame.scrollTop] = kept;
  root.shownLevel.textContent = says.level.replace("{level}", root.level)
    .replace("{levels}", root.deepest);
  tell(root, root.selected);
}

// As one sees it at this level: which sentence is best is known only at the end.
function state(root, node) {
  const own = root.data.nodes.state[node];
  return own === "best" && root.level < root.deepest ? "finished" : own;
}

function word(root, node) {
  return node ? cut(root.data.nodes.label[node]) : root.data.says.root;
}

function edge(root, from, to, how) {
  const [a, b] = [from.x + from.w, to.x];
  const bend = (b - a) / 2;
  const d = `M${a} ${from.y} C${a + bend} ${from.y} ${b - bend} ${to.y} ${b} ${to.y}`;
  return svg("path", { d, class: `line ${how}`, ...stroke(root, how) });
}

function pill(root, node, at, roomy) {
  const { nodes, looks } = root.data;
  const how = state(root, node);
  const tall = how === "pruned" ? 17 : 21;
  const group = svg("g", {
    class: `node ${how}`, role: "treeitem", tabindex: node === (root.selected ?? 0) ? 0 : -1,
    "aria-level": nodes.depth[node] + 1, "aria-selected": String(node === root.selected),
    "aria-label": described(root, node), transform: `translate(${at.x} ${at.y})`,
  });
  group.append(
    svg("rect", { class: "touch", x: -3, y: -tall / 2 - 2, width: at.w + 6,
                  height: tall + (roomy && node ? 18 : 4) }),
    svg("rect", { class: "shape", x: 0, y: -tall / 2, width: at.w, height: tall,
                  ...shape(root, how) }),
    svg("text", { class: "word", x: at.w / 2, y: 4,
                  fill: how === "best" ? "var(--st-background-color)"
                    : how === "pruned" ? looks.pruned.colour : "var(--st-text-color)" },
        word(root, node)),
  );
  if (nodes.forced[node] && node)
    group.append(svg("path", { class: "forced", d: `M5 ${tall / 2 + 3} H${at.w - 5}` }));
  if (roomy && node)
    group.append(svg("text", { class: "number", x: at.w / 2, y: tall / 2 + 13 },
                     `${number(nodes.total[node], 2)} · ${number(nodes.score[node], 2)}`));
  const stub = folded(root, node, at);
  if (stub) group.append(stub);
  if (root.data.nodes.expanded[node])
    group.setAttribute("aria-expanded", String(!stub || root.open.has(node)));
  group.node = node;
  return group;
}

// "+n": what was scored after this node and does not stand here. Pressed, it shows all that is
// listed of it, or folds it again.
function folded(root, node, at) {
  const { nodes } = root.data;
  const below = root.level > nodes.depth[node] ? root.children_[node] : [];
  const away = below.filter((child) => !root.place.has(child)).length;
  const unlisted = below.length ? nodes.more[node] : 0;
  const open = root.open.has(node);
  if (!away && !unlisted && !open) return null;
  const text = open ? "−" + (unlisted ? ` +${unlisted}` : "") : `+${away + unlisted}`;
  const stub = svg("text", { class: away || open ? "stub" : "stub fixed", x: at.w + 4, y: -7 },
                   text);
  return stub;
}

function unfold(root, node) {
  if (!root.open.delete(node)) root.open.add(node);
  draw(root);
  focus(root, node);
}

function select(root, node) {
  root.selected = node;
  draw(root);
  focus(root, node);
  root.send({ node });
}

function focus(root, node) {
  const found = [...root.picture.querySelectorAll(".node")].find((each) => each.node === node);
  found?.focus({ preventScroll: true });
}

function key(root, node, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { nodes } = root.data;
  const level = [...root.place.keys()]
    .filter((other) => nodes.depth[other] === nodes.depth[node])
    .sort((a, b) => root.place.get(a).y - root.place.get(b).y);
  const at = level.indexOf(node);
  const go = {
    ArrowLeft: nodes.parent[node], ArrowUp: level[at - 1], ArrowDown: level[at + 1],
    ArrowRight: [...root.place.keys()].filter((other) => nodes.parent[other] === node)
      .sort((a, b) => nodes.rank[a] - nodes.rank[b])[0],
    Home: 0,
  };
  if (event.key in go) {
    if (root.place.has(go[event.key])) move(root, go[event.key]);
  } else if (event.key === "Enter" || event.key === " ") select(root, node);
  else if (event.key === "+" || event.key === "-") unfold(root, node);
  else if (event.key === "f") root.send({ node, force: true });
  else return;
  event.preventDefault();
}

function move(root, node) {
  for (const each of root.picture.querySelectorAll(".node"))
    each.setAttribute("tabindex", each.node === node ? 0 : -1);
  const { x, y, w } = root.place.get(node);
  bring(root, x + w / 2, y);
  focus(root, node);
}

function number(value, digits) {
  if (value === null) return "−∞";
  return value.toFixed(digits).replace("-", "−");
}

// A node in words.
function described(root, node) {
  const { nodes, says, looks } = root.data;
  if (!node) return says.root;
  const words = [];
  for (let up = node; up > 0; up = nodes.parent[up]) words.unshift(nodes.label[up]);
  const parts = [
    words.map(visible).join(root.data.joint), looks[state(root, node)].name,
    `log P ${number(nodes.total[node], 3)}`, `${says.score} ${number(nodes.score[node], 3)}`,
    `${says.own} ${number(nodes.log_probability[node], 3)}`,
    `${says.rank} ${nodes.rank[node] || "–"}`,
  ];
  if (nodes.state[node] === "pruned" && nodes.margin[node] !== null)
    parts.push(`${says.margin} ${number(nodes.margin[node], 3)}`);
  if (nodes.drawn[node]) parts.push(`${says.drawn} ${nodes.drawn[node]}`);
  if (nodes.on_reference[node]) parts.push(looks.reference.name);
  return parts.join(" · ");
}

function tell(root, node) {
  const { nodes, says, eos } = root.data;
  root.says.textContent = node === null || node === undefined ? says.hint : described(root, node);
  const selected = root.selected;
  const goes = selected && nodes.depth[selected] < root.deepest
    && !["finished", "cut"].includes(nodes.state[selected])
    && nodes.label[selected] !== eos;
  root.force.hidden = !goes;
  if (goes) root.force.textContent = says.force.replace("{word}", cut(nodes.label[selected]));
}

function scale(root) {
  const [w, h] = root.size;
  root.picture.setAttribute("width", w * root.zoom);
  root.picture.setAttribute("height", h * root.zoom);
}

function zoom(root, by, event) {
  const { frame } = root;
  const box = frame.getBoundingClientRect();
  const [x, y] = event ? [event.clientX - box.left, event.clientY - box.top]
    : [frame.clientWidth / 2, frame.clientHeight / 2];
  const before = root.zoom;
  root.zoom = Math.min(3, Math.max(0.15, root.zoom * by));
  scale(root);
  const grown = root.zoom / before;
  frame.scrollLeft = (frame.scrollLeft + x) * grown - x;
  frame.scrollTop = (frame.scrollTop + y) * grown - y;
}

// As large as fits, but never too small to be read: then it is scrolled.
function fit(root) {
  const [w, h] = root.size;
  const { clientWidth } = root.frame;
  if (!clientWidth) return;
  root.zoom = Math.min(1.25, Math.max(0.62, Math.min(clientWidth / w, 540 / h)));
  scale(root);
  const best = root.place.get(root.data.best) ?? root.place.get(0);
  bring(root, 0, best.y);
}

// In the middle of what is seen.
function bring(root, x, y) {
  const { frame, zoom: z } = root;
  frame.scrollLeft = x * z - frame.clientWidth / 2;
  frame.scrollTop = y * z - frame.clientHeight / 2;
}

// When one steps, the newest column is in sight.
function follow(root) {
  const column = [...root.place].filter(([node]) => root.data.nodes.depth[node] === root.level);
  if (!column.length) return;
  const middle = column.reduce((sum, [, at]) => sum + at.y, 0) / column.length;
  bring(root, column[0][1].x, middle);
}

function drag(frame) {
  frame.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button || event.target.closest(".node")) return;
    const from = [event.clientX + frame.scrollLeft, event.clientY + frame.scrollTop];
    const pan = (at) => {
      frame.scrollLeft = from[0] - at.clientX;
      frame.scrollTop = from[1] - at.clientY;
    };
    const end = () => {
      frame.classList.remove("held");
      window.removeEventListener("pointermove", pan);
    };
    frame.classList.add("held");
    window.addEventListener("pointermove", pan);
    window.addEventListener("pointerup", end, { once: true });
  });
}

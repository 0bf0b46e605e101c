// Two rows of words with a line for each weight between them; where they do not fit side by side,
// two columns. Linked with the heatmap of the same weights. What somebody wrote becomes text nodes,
// never mark-up.
const SVG = "http://www.w3.org/2000/svg";
const BLANKS = { " ": "␣", "\n": "⏎", "\t": "⇥" };
const PATIENCE = 10000; // milliseconds in which the heatmap is looked for

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".lines");
  if (!root) {
    root = make(parentElement);
  }
  root.send = (index) => setTriggerValue("event", { index });
  root.data = data;
  draw(root);
  link(root);
  return () => clearInterval(root.clock);
}

function make(parent) {
  const root = element("div", "lines");
  root.read = row("read");
  root.written = row("written");
  root.svg = document.createElementNS(SVG, "svg");
  root.svg.setAttribute("aria-hidden", "true");
  root.frame = element("div", "frame");
  root.frame.append(root.read, root.svg, root.written);
  root.says = element("div", "says");
  root.says.setAttribute("aria-live", "polite");
  root.append(root.frame, root.says);
  parent.append(root);
  listen(root);
  let width = 0;
  new ResizeObserver(() => {
    if (Math.abs(root.clientWidth - width) < 2) return;
    width = root.clientWidth;
    lay(root);
  }).observe(root);
  document.fonts?.ready.then(() => lay(root));
  return root;
}

function row(name) {
  const made = element("div", `row ${name}`);
  made.setAttribute("role", "listbox");
  made.dir = "auto"; // a row begins where its language does
  return made;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function draw(root) {
  const { read, written, unknown, selected, labels, says, hint } = root.data;
  for (const [side, words] of [["read", read], ["written", written]]) {
    const list = root[side];
    list.setAttribute("aria-label", labels[side]);
    if (list.children.length !== words.length || words.some((w, i) => list.children[i].word !== w))
      list.replaceChildren(...words.map(word));
    [...list.children].forEach((each, i) => {
      const chosen = side === "written" && i === selected;
      const lost = side === "read" && unknown.includes(i);
      each.classList.toggle("unknown", lost);
      each.setAttribute("aria-selected", String(chosen));
      each.setAttribute("aria-label", lost ? `${says[side][i]} (${labels.unknown})` : says[side][i]);
      each.tabIndex = i === (side === "written" ? Math.max(0, selected) : 0) ? 0 : -1;
    });
  }
  root.says.textContent = hint;
  lay(root);
}

function word(text) {
  const made = element("bdi", "word", [...text].map((sign) => BLANKS[sign] ?? sign).join("") || "∅");
  made.setAttribute("role", "option");
  made.word = text;
  return made;
}

// Side by side if both rows fit; else one below the other, in columns.
function lay(root) {
  if (!root.data) return;
  root.classList.remove("columns");
  const over = [root.read, root.written].some((list) => list.scrollWidth > list.clientWidth + 1);
  root.classList.toggle("columns", over);
  const box = root.svg.getBoundingClientRect();
  root.svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
  const place = (each, end) => {
    const here = each.getBoundingClientRect();
    return over
      ? { x: end ? box.width : 0, y: here.top + here.height / 2 - box.top }
      : { x: here.left + here.width / 2 - box.left, y: end ? box.height : 0 };
  };
  const from = [...root.read.children].map((each) => place(each, false));
  const to = [...root.written.children].map((each) => place(each, true));
  const paths = [];
  root.data.weights.forEach((weights, query) =>
    weights.forEach((weight, key) => {
      if (weight < root.data.faint) return;
      const [a, b] = [from[key], to[query]];
      const [mx, my] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
      const bend = over ? `${mx} ${a.y} ${mx} ${b.y}` : `${a.x} ${my} ${b.x} ${my}`;
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", `M${a.x} ${a.y} C${bend} ${b.x} ${b.y}`);
      path.style.strokeWidth = `${0.75 + 4.5 * weight}px`;
      path.style.opacity = path.full = String(0.1 + 0.85 * weight);
      Object.assign(path, { query, key });
      paths.push(path);
    }),
  );
  root.svg.replaceChildren(...paths);
}

// Mark one word's lines and what they lead to; {query, key}: of one line alone; {}: nothing.
function mark(root, { query, key }) {
  const { weights, says, hint } = root.data;
  const none = query === undefined && key === undefined;
  const hit = (q, k) => (query === undefined || q === query) && (key === undefined || k === key);
  for (const path of root.svg.children) {
    const marked = !none && hit(path.query, path.key);
    path.classList.toggle("marked", marked);
    path.style.opacity = none ? path.full : marked ? String(Math.max(0.35, path.full)) : "0.04";
  }
  const lit = (each, share) => {
    each.classList.toggle("lit", share > 0);
    each.style.setProperty("--share", `${Math.round(share * 100)}%`);
  };
  [...root.read.children].forEach((each, k) =>
    lit(each, none ? 0 : k === key ? 1 : query === undefined ? 0 : key === undefined ? weights[query][k] : 0));
  [...root.written.children].forEach((each, q) =>
    lit(each, none ? 0 : q === query ? 1 : key === undefined ? 0 : query === undefined ? weights[q][key] : 0));
  root.says.textContent = none ? hint : query === undefined ? says.read[key] : says.written[query];
  frame(root, query, key);
}

function listen(root) {
  const at = (event) => {
    const each = event.target.closest?.(".word");
    const side = root.read.contains(each) ? "read" : "written";
    return each ? { side, i: [...root[side].children].indexOf(each) } : undefined;
  };
  const show = (event) => {
    const here = at(event);
    if (here) mark(root, here.side === "read" ? { key: here.i } : { query: here.i });
  };
  const leave = () => {
    const here = root.getRootNode().activeElement;
    if (here?.classList?.contains("word")) show({ target: here });
    else mark(root, {});
  };
  root.addEventListener("mouseover", show);
  root.addEventListener("focusin", show);
  root.addEventListener("mouseleave", leave);
  root.addEventListener("focusout", () => mark(root, {}));
  root.addEventListener("click", (event) => {
    const here = at(event);
    if (here?.side === "written") root.send(here.i);
  });
  root.addEventListener("keydown", (event) => {
    const here = at(event);
    if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { n: 1, p: -1 }[event.key];
    const index = root.data.selected + (step ?? 0);
    if (step && root.data.written[index] !== undefined) root.send(index);
    else if (["Enter", " "].includes(event.key) && here.side === "written") root.send(here.i);
    else if (!walk(root, here, event.key)) return;
    event.preventDefault();
  });
}

// Along a row by the arrows that point along it; across to the word of most weight by the others.
function walk(root, { side, i }, key) {
  const columns = root.classList.contains("columns");
  const turned = !columns && getComputedStyle(root[side]).direction === "rtl" ? -1 : 1;
  const along = columns ? { ArrowDown: 1, ArrowUp: -1 } : { ArrowRight: turned, ArrowLeft: -turned };
  const across = columns ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  const last = root[side].children.length - 1;
  const next = { Home: 0, End: last }[key] ?? (key in along ? i + along[key] : undefined);
  if (next !== undefined) return go(root, side, i, next);
  if (!across.includes(key)) return false;
  const { weights } = root.data;
  const seen = side === "written" ? weights[i] : weights.map((each) => each[i]);
  return go(root, side === "written" ? "read" : "written", -1, seen.indexOf(Math.max(...seen)));
}

function go(root, side, from, to) {
  const list = root[side].children;
  if (!list[to]) return true;
  for (const each of list) each.tabIndex = -1;
  list[to].tabIndex = 0;
  list[to].focus();
  return true;
}

// The heatmap of the same weights: pointing at a cell marks its line, and the other way round.
function link(root) {
  const began = Date.now();
  clearInterval(root.clock);
  root.clock = setInterval(() => {
    const plot = heatmap(root);
    if (plot?.on && plot.linked !== root) {
      plot.linked = root;
      plot.on("plotly_hover", ({ points: [point] }) => mark(root, cell(root, point)));
      plot.on("plotly_unhover", () => mark(root, {}));
    }
    if (Date.now() - began > PATIENCE) clearInterval(root.clock);
  }, 200);
}

// The words of a cell of the heatmap, which may show more of them than stand here.
function cell(root, { pointIndex: [row, column] }) {
  const { offset, read, written } = root.data;
  const [query, key] = [row - offset, column - offset];
  return written[query] === undefined || read[key] === undefined ? {} : { query, key };
}

function heatmap(root) {
  return document.querySelector(`.st-key-${CSS.escape(root.data.heatmap)} .js-plotly-plot`);
}

// A frame around the row of a written word, or the column of one that was read.
function frame(root, query, key) {
  const plot = heatmap(root);
  const holder = plot?.querySelector(".svg-container");
  const { xaxis: x, yaxis: y } = plot?._fullLayout ?? {};
  if (!holder || !x?.l2p) return;
  let shown = holder.querySelector(".linked-frame");
  if (!shown) {
    shown = element("div", "linked-frame");
    holder.append(shown);
  }
  const one = (query === undefined) !== (key === undefined);
  const [axis, at] = query === undefined ? [x, key] : [y, query];
  const middle = at + root.data.offset;
  const ends = one ? [axis.l2p(middle - 0.5), axis.l2p(middle + 0.5)] : [0, 0];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const box = query === undefined
    ? { left: x._offset + low, width: high - low, top: y._offset, height: y._length }
    : { left: x._offset, width: x._length, top: y._offset + low, height: high - low };
  Object.assign(shown.style, {
    display: one ? "block" : "none", position: "absolute", pointerEvents: "none", zIndex: 5,
    boxSizing: "border-box", border: `2px solid ${getComputedStyle(root).getPropertyValue("--st-primary-color")}`,
  });
  for (const [name, value] of Object.entries(box)) shown.style[name] = `${value}px`;
}

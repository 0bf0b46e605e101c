// Boxes that follow one another, in rows that wrap: each with a name, a shape and a small picture of
// its numbers. One of them is open; the arrows walk along them.
export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".flow");
  if (!root) {
    root = element("div", "flow");
    root.setAttribute("role", "radiogroup");
    parentElement.append(root);
    listen(root);
  }
  root.send = (box) => setTriggerValue("event", { box });
  root.data = data;
  root.setAttribute("aria-label", data.label);
  draw(root);
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function draw(root) {
  const held = root.getRootNode().activeElement?.dataset?.box;
  root.replaceChildren(...root.data.rows.map((row) => {
    const made = element("div", "row");
    if (row.title) made.append(element("div", "title", row.title));
    const boxes = element("div", "boxes");
    boxes.append(...row.boxes.map((each) => box(root, each)));
    made.append(boxes);
    return made;
  }));
  if (held !== undefined) root.querySelector(`[data-box="${CSS.escape(held)}"]`)?.focus();
}

function box(root, each) {
  const held = element("span", "step");
  if (each.sign) held.append(element("span", "sign", each.sign));
  const made = element("button", `box ${each.look ?? ""}`);
  made.type = "button";
  made.dataset.box = each.id;
  made.setAttribute("role", "radio");
  made.setAttribute("aria-checked", String(each.id === root.data.selected));
  made.setAttribute("aria-label", [each.name, each.shape, each.says].filter(Boolean).join(", "));
  made.title = [each.name, each.says].filter(Boolean).join(": ");
  made.tabIndex = each.id === root.data.selected ? 0 : -1;
  made.append(element("span", "name", each.title));
  if (each.told) made.append(element("span", "told", each.told));
  if (each.shape) made.append(element("span", "shape", each.shape));
  if (each.cells?.length) made.append(picture(each.cells, root.data.shades[each.shades]));
  held.append(made);
  return held;
}

function picture(cells, shades) {
  const made = element("canvas", cells.length === 1 ? "picture line" : "picture");
  [made.width, made.height] = [cells[0].length, cells.length];
  const pen = made.getContext("2d");
  cells.forEach((row, y) => row.forEach((shade, x) => {
    pen.fillStyle = shades[shade];
    pen.fillRect(x, y, 1, 1);
  }));
  return made;
}

function listen(root) {
  root.addEventListener("click", (event) => {
    const chosen = event.target.closest?.(".box");
    if (chosen) root.send(chosen.dataset.box);
  });
  root.addEventListener("keydown", (event) => {
    const boxes = [...root.querySelectorAll(".box")];
    const here = boxes.indexOf(event.target.closest?.(".box"));
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const next = { Home: 0, End: boxes.length - 1 }[event.key]
      ?? (event.key in steps ? here + steps[event.key] : undefined);
    if (here < 0 || next === undefined || !boxes[next]) return;
    event.preventDefault();
    boxes[next].focus();
    root.send(boxes[next].dataset.box);
  });
}

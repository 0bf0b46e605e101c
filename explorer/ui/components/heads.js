// Every head as a small picture of its weights, in the order of layers and heads: one is chosen by
// a click, or by arrows and Enter.
export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".heads");
  if (!root) {
    root = element("div", "heads");
    parentElement.append(root);
    listen(root);
  }
  root.send = (layer, head) => setTriggerValue("event", { layer, head });
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", data.label);
  root.style.setProperty("--heads", Math.max(...data.layers.map(({ heads }) => heads.length)));
  const rows = data.layers.map(({ name, heads }, layer) => {
    const row = element("div", "row");
    row.append(...heads.map((head, i) => picture(head, layer, i)));
    const part = element("div", "layer");
    part.append(element("div", "name", name), row);
    return part;
  });
  const here = root.contains(root.getRootNode().activeElement);
  root.replaceChildren(...rows);
  choose(root, find(root, ...data.selected), here);
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function picture({ source, number, name, score, says }, layer, head) {
  const made = element("button", "head");
  made.type = "button";
  made.title = says;
  made.setAttribute("aria-label", says);
  Object.assign(made, { layer, head });
  const image = document.createElement("img");
  image.src = source;
  image.alt = "";
  made.append(image, element("b", "", number), element("span", "called", name), element("span", "score", score));
  return made;
}

function find(root, layer, head) {
  return root.querySelectorAll(".row")[layer]?.children[head];
}

function choose(root, chosen, focus) {
  for (const each of root.querySelectorAll(".head")) {
    each.setAttribute("aria-pressed", String(each === chosen));
    each.tabIndex = each === chosen ? 0 : -1;
  }
  if (focus) chosen?.focus();
}

function listen(root) {
  root.addEventListener("click", (event) => {
    const here = event.target.closest?.(".head");
    if (!here) return;
    choose(root, here, false); // at once; the page will say the same
    root.send(here.layer, here.head);
  });
  root.addEventListener("keydown", (event) => {
    const here = event.target.closest?.(".head");
    const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ?? [0, 0];
    if (!here || (!down && !right) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = find(root, here.layer + down, here.head + right);
    if (!next) return;
    here.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

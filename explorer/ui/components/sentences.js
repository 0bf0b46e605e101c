// Sentences below each other, in groups, some of their words marked. What somebody wrote becomes
// text nodes, never mark-up; each sentence runs in the direction of its own script.
export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(".groups");
  if (!root) {
    root = element("div", "groups");
    parentElement.append(root);
  }
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", data.label);
  root.style.setProperty("--wrong", data.wrong);
  root.classList.toggle("one", data.groups.length === 1);
  root.replaceChildren(...data.groups.map(group));
}

function group(lines) {
  const table = element("table", "group");
  const body = table.createTBody();
  for (const { label, words, note, strong, short } of lines) {
    const row = body.insertRow();
    const head = element("th", "", label);
    head.scope = "row";
    const cell = element("td", strong ? "strong" : "");
    const sentence = element("div", short ? "sentence short" : "sentence");
    sentence.dir = "auto";
    if (short) sentence.title = words.map(([text]) => text).join("");
    sentence.append(...words.map(([text, kind]) => word(text, kind)));
    cell.append(sentence);
    if (note) cell.append(element("div", "note", note));
    row.append(head, cell);
  }
  const card = element("div", "card");
  card.append(table);
  return card;
}

function word(text, kind) {
  if (!kind) return document.createTextNode(text);
  const bare = text.trimStart(); // a blank before it is not marked
  const made = element("mark", kind, bare);
  if (bare === text) return made;
  const both = document.createDocumentFragment();
  both.append(text.slice(0, text.length - bare.length), made);
  return both;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

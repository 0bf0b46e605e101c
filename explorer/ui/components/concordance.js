// Places in a text, each in its context, one below the other. What somebody wrote becomes text
// nodes, never mark-up.
const BLANKS = { "\n": "⏎", "\t": "⇥" };

export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(".concordance");
  if (!root) {
    root = element("ol", "concordance");
    parentElement.append(root);
  }
  root.setAttribute("aria-label", data.label);
  root.replaceChildren(...data.places.map(place));
}

function place({ before, hit, after, note }) {
  const made = element("li", "place");
  const left = element("span", "before");
  left.append(element("span", "", visible(before)));
  made.append(left, element("mark", "hit", visible(hit)), element("span", "after", visible(after)),
              element("span", "note", note));
  made.querySelector("mark").style.color = "inherit";
  return made;
}

function visible(text) {
  return text.replace(/[\n\t]/g, (sign) => BLANKS[sign]);
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

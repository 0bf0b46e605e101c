// A strip of tokens as text nodes: coloured, wrapped, walked through by mouse or keyboard.
const BLANKS = { " ": "␣", "\n": "⏎", "\t": "⇥" };

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".strip");
  if (!root) {
    root = document.createElement("div");
    root.className = "strip";
    root.setAttribute("role", "listbox");
    const card = document.createElement("div");
    card.className = "card";
    card.hidden = true;
    parentElement.append(root, card);
    root.card = card;
    listen(root, card);
  }
  root.send = (event) => setTriggerValue("event", { ...event, nonce: Date.now() });
  root.data = data;
  root.setAttribute("aria-label", data.label);
  draw(root);
}

function draw(root) {
  const { tokens, colours, inks, selected } = root.data;
  if (root.drawn !== tokens.length || tokens.some((t, i) => root.children[i].token !== t)) {
    root.replaceChildren(...tokens.map(cell));
    root.drawn = tokens.length;
  }
  tokens.forEach((_, i) => {
    const span = root.children[i];
    span.style.backgroundColor = colours[i] ?? "";
    span.style.color = inks[i] ?? "";
    span.setAttribute("aria-selected", i === selected);
    const said = root.data.hover[i];
    span.setAttribute("aria-label", [span.token, ...(said ?? [])].join(", "));
    span.tabIndex = i === (selected ?? 0) ? 0 : -1;
  });
}

function cell(token) {
  const span = document.createElement("span");
  span.className = "token";
  span.setAttribute("role", "option");
  span.token = token;
  // textContent never makes markup of what somebody wrote.
  span.textContent = token.replace(/[ \n\t]/g, (s) => (s === " " && token.length > 1 ? " " : BLANKS[s]));
  if (/^[ \n\t]$/.test(token)) span.classList.add("blank");
  if (token.includes("\n")) span.classList.add("break");
  return span;
}

function listen(root, card) {
  const at = (target) => [...root.children].indexOf(target.closest(".token"));
  let hiding;
  const show = (i) => {
    clearTimeout(hiding);
    const said = root.data.hover[i];
    if (i < 0 || !said) return void (card.hidden = true);
    card.replaceChildren(
      ...said.map((line) => Object.assign(document.createElement("div"), { textContent: line })),
      ...(root.data.candidates[i] ?? []).map(([label, probability, id]) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = `${[...label].map((s) => BLANKS[s] ?? s).join("")}  ${probability}`;
        button.onclick = () => {
          card.hidden = true;
          root.send({ index: i, candidate: id });
        };
        return button;
      }),
    );
    const span = root.children[i];
    card.hidden = false;
    const space = root.clientWidth - card.offsetWidth;
    card.style.left = `${Math.max(0, Math.min(span.offsetLeft, space))}px`;
    card.style.top = `${span.offsetTop + span.offsetHeight}px`;
  };
  const hideSoon = () => (hiding = setTimeout(() => (card.hidden = true), 250));
  root.addEventListener("mouseover", (e) => e.target.closest(".token") && show(at(e.target)));
  root.addEventListener("mouseleave", hideSoon);
  card.addEventListener("mouseenter", () => clearTimeout(hiding));
  card.addEventListener("mouseleave", hideSoon);
  card.addEventListener("keydown", (e) => e.key === "Escape" && (card.hidden = true));
  root.addEventListener("focusin", (e) => e.target.closest(".token") && show(at(e.target)));
  root.addEventListener("focusout", hideSoon);
  root.addEventListener("click", (e) => e.target.closest(".token") && root.send({ index: at(e.target) }));
  root.addEventListener("keydown", (e) => {
    const i = at(e.target);
    const go = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: root.children.length - 1 }[e.key];
    if (go !== undefined && root.children[go]) {
      root.children[i].tabIndex = -1;
      root.children[go].tabIndex = 0;
      root.children[go].focus();
    } else if (e.key === "Enter" || e.key === " ") root.send({ index: i });
    else if (e.key === "Escape") card.hidden = true;
    else if (root.data.keys[e.key]) root.send({ key: root.data.keys[e.key] });
    else return;
    e.preventDefault();
  });
}

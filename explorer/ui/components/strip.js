// A strip of tokens: coloured text that wraps, walked through by mouse or keyboard. What somebody
// wrote becomes text nodes, never mark-up.
const BLANKS = { " ": "␣", "\n": "⏎", "\t": "⇥" };

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".strip");
  if (!root) {
    root = element("div", "strip");
    root.setAttribute("role", "listbox");
    root.card = element("div", "card");
    root.card.popover = "manual"; // in the top layer: nothing cuts it off
    parentElement.append(root, root.card);
    listen(root, root.card);
  }
  root.send = (event) => setTriggerValue("event", event);
  root.data = data;
  root.setAttribute("aria-label", data.label);
  root.classList.toggle("apart", data.apart);
  draw(root);
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function draw(root) {
  const { tokens, colours, inks, hover, selected } = root.data;
  if (root.children.length !== tokens.length || tokens.some((t, i) => root.children[i].token !== t))
    root.replaceChildren(...tokens.map(cell));
  [...root.children].forEach((span, i) => {
    span.style.backgroundColor = colours[i] ?? "";
    span.style.color = inks[i] ?? "";
    span.setAttribute("aria-selected", String(i === selected));
    span.setAttribute("aria-label", [named(root, span.token), ...(hover[i] ?? [])].join(", "));
    span.tabIndex = i === (selected ?? 0) ? 0 : -1;
  });
}

function cell(token) {
  const span = element("span", "token");
  span.setAttribute("role", "option");
  span.token = token;
  for (const part of token.split(/([ \n\t])/)) {
    if (!part) continue;
    // The sign is drawn by CSS over the real blank: what is copied is the text itself.
    if (part in BLANKS) span.append(blank(part));
    else span.append(part);
  }
  return span;
}

function blank(sign) {
  const made = element("i", "blank", sign);
  made.dataset.sign = BLANKS[sign];
  return made;
}

function named(root, token) {
  return root.data.blanks[token] ?? token;
}

function listen(root, card) {
  const at = (event) => [...root.children].indexOf(event.target.closest?.(".token"));
  let hiding;
  const hide = () => card.matches(":popover-open") && card.hidePopover();
  const hideSoon = () => {
    clearTimeout(hiding);
    hiding = setTimeout(hide, 250);
  };
  const choose = (index, candidate) => {
    hide();
    root.send({ index, candidate });
  };
  const show = (i) => {
    clearTimeout(hiding);
    const lines = root.data.hover[i] ?? [];
    const candidates = root.data.candidates[i] ?? [];
    if (i < 0 || !(lines.length || candidates.length)) return hide();
    card.replaceChildren(
      ...lines.map((line) => element("div", "line", line)),
      ...candidates.map(([label, probability, id]) => {
        const button = element("button", "candidate");
        button.type = "button";
        button.append(
          element("span", "", [...label].map((sign) => BLANKS[sign] ?? sign).join("")),
          element("span", "share", probability),
        );
        button.onclick = () => choose(i, id);
        return button;
      }),
    );
    if (!card.matches(":popover-open")) card.showPopover();
    place(card, root.children[i].getClientRects());
  };
  root.addEventListener("mouseover", (event) => at(event) >= 0 && show(at(event)));
  root.addEventListener("focusin", (event) => at(event) >= 0 && show(at(event)));
  for (const leave of ["mouseleave", "focusout"]) root.addEventListener(leave, hideSoon);
  for (const enter of ["mouseenter", "focusin"])
    card.addEventListener(enter, () => clearTimeout(hiding));
  for (const leave of ["mouseleave", "focusout"]) card.addEventListener(leave, hideSoon);
  card.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  window.addEventListener("scroll", hide, { capture: true, passive: true });
  root.addEventListener("click", (event) => at(event) >= 0 && select(root, at(event)));
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const i = at(event);
    const last = root.children.length - 1;
    const go = { ArrowRight: i + 1, ArrowLeft: i - 1, ArrowDown: below(root, i, 1),
                 ArrowUp: below(root, i, -1), Home: 0, End: last }[event.key];
    const candidate = (root.data.candidates[i] ?? [])[Number(event.key) - 1];
    if (go !== undefined) root.children[go] && move(root, i, go);
    else if (event.key === "Enter" || event.key === " ") select(root, i);
    else if (event.key === "Escape") hide();
    else if (candidate) choose(i, candidate[2]);
    else if (root.data.keys[event.key]) root.send({ key: root.data.keys[event.key] });
    else return;
    event.preventDefault();
  });
}

function select(root, index) {
  for (const span of root.querySelectorAll('[aria-selected="true"]'))
    span.setAttribute("aria-selected", "false");
  root.children[index].setAttribute("aria-selected", "true"); // at once; the page will say the same
  root.send({ index });
}

function move(root, from, to) {
  root.children[from].tabIndex = -1;
  root.children[to].tabIndex = 0;
  root.children[to].focus();
}

// The token in the next line (turn 1) or the one before (turn −1) that is nearest to token i.
function below(root, i, turn) {
  const here = root.children[i]?.getBoundingClientRect();
  let best;
  let least = Infinity;
  for (let j = i + turn; here && root.children[j]; j += turn) {
    const there = root.children[j].getBoundingClientRect();
    const lines = Math.abs(there.top - here.top) / here.height;
    if (lines < 0.5) continue;
    if (lines > 1.9) break;
    const apart = Math.abs(there.left - here.left);
    if (apart < least) [best, least] = [j, apart];
  }
  return best ?? i;
}

function place(card, boxes) {
  const box = boxes[0];
  if (!box) return;
  const left = Math.max(8, Math.min(box.left, innerWidth - card.offsetWidth - 8));
  const under = box.bottom + 2;
  const fits = under + card.offsetHeight < innerHeight - 8;
  card.style.left = `${left}px`;
  card.style.top = `${fits ? under : Math.max(8, box.top - card.offsetHeight - 2)}px`;
}

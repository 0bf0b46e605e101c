// Says which cell of some heatmaps on the page was clicked: Plotly tells of it, Streamlit does not.
const PATIENCE = 10000; // milliseconds in which the heatmaps are looked for

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement;
  root.send = (event) => setTriggerValue("event", event);
  root.figures = data.figures;
  link(root);
  return () => clearInterval(root.clock);
}

function link(root) {
  const began = Date.now();
  clearInterval(root.clock);
  root.clock = setInterval(() => {
    for (const figure of root.figures) {
      const plot = document.querySelector(`.st-key-${CSS.escape(figure)} .js-plotly-plot`);
      if (!plot?.on || plot.clicked === root) continue;
      plot.clicked = root;
      plot.on("plotly_click", ({ points: [point] }) => {
        if (plot.clicked === root) root.send({ figure, row: point.y - 1, column: point.x - 1 });
      });
      plot.querySelectorAll(".nsewdrag").forEach((each) => { each.style.cursor = "pointer"; });
    }
    if (Date.now() - began > PATIENCE) clearInterval(root.clock);
  }, 200);
}

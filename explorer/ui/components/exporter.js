// SVG and PNG by the chart library's own exporter, in this browser.
export default function ({ data, parentElement }) {
  let row = parentElement.querySelector(".formats");
  if (!row) {
    row = document.createElement("div");
    row.className = "formats";
    parentElement.append(row);
  }
  row.replaceChildren(...["svg", "png"].map((format) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "format";
    button.textContent = format.toUpperCase();
    button.onclick = () => save(data.key, format, data.name);
    return button;
  }));
}

function save(key, format, name) {
  const chart = document.querySelector(`.st-key-${CSS.escape(key)}`);
  const plot = chart.querySelector(".js-plotly-plot");
  if (plot) byPlotly(plot, format, name);
  else byVega(chart.querySelector(`.vega-actions a[download$=".${format}"]`));
}

// Plotly's first button makes the picture, in the format that its context says.
function byPlotly(plot, format, filename) {
  const twice = format === "png" ? 2 : 1;
  plot._context.toImageButtonOptions = { format, filename, scale: twice };
  plot.querySelector(".modebar-btn").click();
}

// Vega-Embed's link makes its picture when the mouse goes down, and is one to it a moment later.
function byVega(link) {
  link.href = "#";
  link.dispatchEvent(new MouseEvent("mousedown"));
  const waiting = setInterval(() => {
    if (link.getAttribute("href") === "#") return;
    clearInterval(waiting);
    link.click();
  }, 30);
  setTimeout(() => clearInterval(waiting), 10_000);
}

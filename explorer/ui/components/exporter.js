// SVG and PNG by the chart library's own exporter, in this browser.
export default function ({ data, parentElement }) {
  let root = parentElement.querySelector("div");
  if (!root) {
    root = document.createElement("div");
    parentElement.append(root);
  }
  root.replaceChildren(...["svg", "png"].map((format) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = format.toUpperCase();
    button.onclick = () => save(data.key, format, data.name);
    return button;
  }));
}

function save(key, format, name) {
  const chart = document.querySelector(`.st-key-${CSS.escape(key)}`);
  const plot = chart.querySelector(".js-plotly-plot");
  if (plot) {
    plot._context.toImageButtonOptions = { format, filename: name, scale: format === "png" ? 2 : 1 };
    chart.querySelector('.modebar-btn[data-attr="toImage"], .modebar-btn[data-title*="ownload"]').click();
    return;
  }
  const link = chart.querySelector(`.vega-actions a[download$=".${format}"]`);
  link.dispatchEvent(new MouseEvent("mousedown"));
  const href = link.href;
  const wait = setInterval(() => {
    if (link.href !== href || link.href.startsWith("data:") || link.href.startsWith("blob:")) {
      clearInterval(wait);
      link.click();
    }
  }, 50);
}

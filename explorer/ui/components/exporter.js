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
    button.onclick = () => save(data.key, format, data.name, row);
    return button;
  }));
}

function save(key, format, name, row) {
  const background = getComputedStyle(row).getPropertyValue("--st-background-color");
  const chart = document.querySelector(`.st-key-${CSS.escape(key)}`);
  const plot = chart.querySelector(".js-plotly-plot");
  if (plot) byPlotly(plot, format, name);
  else byVega(chart.querySelector(".vega-embed svg.marks"), format, name, background);
}

// Plotly's first button makes the picture, in the format that its context says.
function byPlotly(plot, format, filename) {
  const twice = format === "png" ? 2 : 1;
  plot._context.toImageButtonOptions = { format, filename, scale: twice };
  plot.querySelector(".modebar-btn").click();
}

// Vega drew it as SVG on the page: that very drawing, with its background, is the file.
async function byVega(drawn, format, name, background) {
  const svg = drawn.cloneNode(true);
  const { width, height } = drawn.getBoundingClientRect();
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.style.background = background;
  const file = new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" });
  keep(format === "svg" ? file : await painted(file, width, height, background), `${name}.${format}`);
}

async function painted(file, width, height, background) {
  const picture = new Image();
  picture.src = URL.createObjectURL(file);
  await picture.decode();
  URL.revokeObjectURL(picture.src);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  const pen = canvas.getContext("2d");
  pen.fillStyle = background;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function keep(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Says once that a figure stands: it is in the page, nothing is still a placeholder, and the browser
// has nothing left to draw.
const PATIENCE = 8000; // milliseconds, after which it says so in any case

export default function ({ data, setTriggerValue }) {
  const began = Date.now();
  const figure = `.st-key-${CSS.escape(data.key)} :is(.main-svg, .vega-embed svg)`;
  const idle = window.requestIdleCallback ?? ((call) => setTimeout(call, 100));
  const clock = setInterval(() => {
    const stands = document.querySelector(figure)
      && !document.querySelector('[data-testid="stSkeleton"]');
    if (!stands && Date.now() - began < PATIENCE) return;
    clearInterval(clock);
    idle(() => setTriggerValue("drawn", data.choices + " drawn"), { timeout: 1000 });
  }, 40);
  return () => clearInterval(clock);
}

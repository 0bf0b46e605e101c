// Says once when a figure stands in the page and nothing above it is still a placeholder.
const PATIENCE = 8000; // milliseconds, after which it says so in any case

export default function ({ data, setTriggerValue }) {
  const began = Date.now();
  const clock = setInterval(() => {
    const figure = `.st-key-${CSS.escape(data.key)} :is(.main-svg, .vega-embed svg)`;
    const stands = document.querySelector(figure)
      && !document.querySelector('[data-testid="stSkeleton"]');
    if (!stands && Date.now() - began < PATIENCE) return;
    clearInterval(clock);
    setTriggerValue("drawn", true);
  }, 40);
  return () => clearInterval(clock);
}

// Says once that a figure stands: it is in the page, nothing is still a placeholder, and the frame
// that shows it is on the screen. What follows would otherwise be drawn before anybody sees it.
const PATIENCE = 8000; // milliseconds, after which it says so in any case

export default function ({ data, setTriggerValue }) {
  const began = Date.now();
  const figure = `.st-key-${CSS.escape(data.key)} :is(.main-svg, .vega-embed svg)`;
  const clock = setInterval(() => {
    const stands = document.querySelector(figure)
      && !document.querySelector('[data-testid="stSkeleton"]');
    if (!stands && Date.now() - began < PATIENCE) return;
    clearInterval(clock);
    const say = () => setTriggerValue("drawn", data.choices + " drawn");
    if (document.hidden) say(); // no frames there
    else requestAnimationFrame(() => setTimeout(say));
  }, 40);
  return () => clearInterval(clock);
}

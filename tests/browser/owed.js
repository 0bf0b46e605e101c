// What the server owes this page, in window.owed(): a run of the script that was asked for and has
// not ended. Streamlit's own sign, data-test-script-state, says "running" only when the answer is
// on its way: between a click and that moment nothing in the document tells it from an idle page.
(() => {
  const RERUN_SCRIPT = 11, NEW_SESSION = 4, SCRIPT_FINISHED = 6; // fields of BackMsg and ForwardMsg
  const EARLY = 2; // it ended because another run follows at once
  const DROPPED = 5000; // ms; what a fragment asks that is gone by then is never answered
  let asked = 0, begun = -1, ended = -1; // a page is owed its first run

  // The top level of a protocol buffer: [field, its number, or the length of what it holds].
  function* fields(bytes) {
    let at = 0;
    const varint = () => {
      let value = 0, scale = 1, byte;
      do {
        byte = bytes[at++];
        value += (byte & 127) * scale;
        scale *= 128;
      } while (byte & 128);
      return value;
    };
    while (at < bytes.length) {
      const tag = varint(), field = Math.floor(tag / 8), kind = tag % 8;
      const value = kind === 0 || kind === 2 ? varint() : null; // a number, or a length
      yield [field, value];
      if (kind !== 0) at += value ?? (kind === 1 ? 8 : 4);
    }
  }

  window.WebSocket = class extends WebSocket {
    constructor(...address) {
      super(...address);
      this.addEventListener('message', ({ data }) => {
        for (const [field, value] of fields(new Uint8Array(data))) {
          if (field === NEW_SESSION) [begun, ended] = [performance.now(), -1];
          if (field === SCRIPT_FINISHED && value !== EARLY) ended = performance.now();
        }
      });
    }

    send(data) {
      for (const [field] of fields(new Uint8Array(data)))
        if (field === RERUN_SCRIPT) asked = performance.now();
      super.send(data);
    }
  };

  window.owed = () => ended < 0 || (asked > begun && performance.now() - asked < DROPPED);
})();

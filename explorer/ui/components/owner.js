// A random token in this browser's local storage: who somebody is, without asking.
export default function ({ setStateValue }) {
  const name = "sequence-explorer-owner";
  let token = localStorage.getItem(name);
  if (!/^[0-9a-f]{32}$/.test(token ?? "")) {
    token = [...crypto.getRandomValues(new Uint8Array(16))]
      .map((b) => b.toString(16).padStart(2, "0")).join("");
    localStorage.setItem(name, token);
  }
  setStateValue("token", token);
}

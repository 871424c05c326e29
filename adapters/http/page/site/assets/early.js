// Runs before anything is drawn, so that a key in the address is gone at once and the first thing
// drawn is the right view in the right theme. The modules come later.
{
  const read = (storage, name) => {
    try {
      return globalThis[storage].getItem(name);
    } catch {
      return null; // a browser may forbid it
    }
  };
  const link = /^#key=(.*)$/s.exec(location.hash);
  if (link) {
    history.replaceState(history.state, "", location.pathname + location.search);
    let key = link[1];
    try {
      key = decodeURIComponent(key);
    } catch {
      // It is not percent-encoded: it is the key as it stands.
    }
    globalThis.signInLink = key;
  }
  const root = document.documentElement;
  const theme = read("localStorage", "ai-inference.theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const name = "ai-inference.key";
  const known = link || read("sessionStorage", name) || read("localStorage", name);
  root.dataset.page = known ? "studio" : "sign-in";
}

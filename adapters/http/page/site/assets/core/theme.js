// Light, dark, or as the system has it.

import { announce, byId, setIcon } from "./dom.js";
import { device } from "./store.js";

const NEXT = { system: "light", light: "dark", dark: "system" };
const ICONS = { system: "system", light: "sun", dark: "moon" };

/** Let the button at the top switch the theme. */
export function installTheme() {
  const button = byId("theme");
  const show = () => {
    const theme = current();
    setIcon(button.firstElementChild, ICONS[theme]);
    button.setAttribute("aria-label", `Theme: ${theme}. Switch to ${NEXT[theme]}`);
    button.title = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    const theme = NEXT[current()];
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    device.writeText("theme", theme);
    show();
    announce(`Theme: ${theme}`);
  });
  show();
}

const current = () => document.documentElement.dataset.theme ?? "system";

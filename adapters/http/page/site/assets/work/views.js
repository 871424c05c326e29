// The parts of the page that a small screen shows one at a time.

import { byId } from "../core/dom.js";

/** Show "create", the form and the stage, or "gallery". */
export function turnTo(view) {
  byId("studio").dataset.view = view;
  for (const tab of tabs()) tab.setAttribute("aria-pressed", String(tab.dataset.turnTo === view));
}

/** Let the buttons of small screens do so. */
export function installViews() {
  byId("settings-toggle").addEventListener("click", () => {
    unfoldSettings(!byId("settings").hasAttribute("data-open"));
  });
  for (const tab of tabs()) {
    tab.addEventListener("click", () => {
      turnTo(tab.dataset.turnTo);
      scrollTo(0, 0);
    });
  }
}

/** Unfold the settings, where a small screen has them folded, or fold them. */
export function unfoldSettings(open) {
  byId("settings").toggleAttribute("data-open", open);
  byId("settings-toggle").setAttribute("aria-expanded", String(open));
}

/** Turn to the stage where it is not in sight. */
export function bringStageIntoView() {
  turnTo("create");
  const { top } = byId("stage").getBoundingClientRect();
  if (top >= 0 && top < innerHeight / 3) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId("stage").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}

const tabs = () => document.querySelectorAll("[data-turn-to]");

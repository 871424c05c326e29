// A dialog to choose add-ons of one kind from. What does not fit is there too, with the reason.

import { announce, make, say } from "../core/dom.js";
import { bytes, count } from "../core/format.js";
import { factsOf } from "./parts.js";

const UNKNOWN = "?"; // in the list of families

/**
 * Let a person choose.
 *
 * @param {object} options
 * @param {string} options.title what is chosen
 * @param {object[]} options.addons all of the kind
 * @param {(addon: object) => string} options.misfit why an add-on cannot be chosen; empty if it can
 * @param {number} options.most the most that can be chosen
 * @param {() => string[]} options.chosen the ids that are chosen now
 * @param {(addon: object, on: boolean) => void} options.onChoose
 * @param {boolean} options.once whether the dialog closes with the first choice
 */
export function pick({ title, addons, misfit, most, chosen, onChoose, once }) {
  const dialog = make("dialog", { className: "confirm panel picker", id: "addon-picker" });
  const search = make("input", { type: "search", placeholder: "Search", id: "picker-search" });
  search.setAttribute("aria-label", "Search by name");
  const family = familyList(addons);
  const list = make("ul", { className: "picker-list" });
  const note = make("p", { className: "hint" });
  note.setAttribute("role", "status");
  const heading = make("h2", { textContent: title, id: "picker-title", tabIndex: -1 });
  const done = make("button", { type: "button", className: "primary", textContent: "Done" });
  done.addEventListener("click", () => dialog.close());
  const rows = sorted(addons, misfit).map((addon) => row(addon, misfit(addon), { once, toggle }));
  list.append(...rows.map(({ element }) => element));

  function toggle(addon, on) {
    onChoose(addon, on);
    if (once) dialog.close();
    settle();
  }
  function settle() {
    const ids = chosen();
    for (const each of rows) each.settle(ids, !once && ids.length >= most);
    say(note, !once && ids.length >= most ? `${most} are the most that a drawing can have.` : "");
  }
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { addon, element } of rows) {
      const named = words.every((word) => addon.name.toLowerCase().includes(word));
      const fits = !family.value || (addon.base ?? UNKNOWN) === family.value;
      element.hidden = !named || !fits;
      shown += element.hidden ? 0 : 1;
    }
    say(note, shown ? "" : "Nothing here fits.");
    announce(count(shown, "result"));
  }
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  family.addEventListener("change", filter);
  dialog.setAttribute("aria-labelledby", "picker-title");
  dialog.append(
    heading,
    make("div", { className: "picker-tools" }, search, family),
    list,
    note,
    make("div", { className: "row" }, done),
    announcer(),
  );
  const focused = document.activeElement;
  document.body.append(dialog);
  settle();
  dialog.showModal();
  // On a phone the keyboard would cover the list.
  (matchMedia("(pointer: coarse)").matches ? heading : search).focus();
  dialog.addEventListener("close", () => {
    dialog.remove();
    // The form may have made its buttons again meanwhile.
    (focused?.isConnected ? focused : document.getElementById(focused?.id))?.focus();
  });
}

/** One add-on. It can be reached by keyboard also if it does not fit, so that its reason is read. */
function row(addon, reason, { once, toggle }) {
  const id = `pick-${addon.id}`;
  const box = once
    ? make("button", { type: "button", className: "quiet", textContent: "Choose" })
    : make("input", { type: "checkbox" });
  box.id = id;
  const facts = [factsOf(addon), bytes(addon.size)].filter(Boolean).join(" · ");
  const name = make(once ? "p" : "label", { className: "picker-name", textContent: addon.name, title: addon.name });
  if (once) box.setAttribute("aria-label", `Choose ${addon.name}`);
  else name.htmlFor = id;
  const told = make("p", { className: "hint", id: `${id}-facts`, textContent: facts });
  const why = make("p", { className: "picker-reason", id: `${id}-reason`, textContent: reason && sentence(reason) });
  why.hidden = !reason;
  box.setAttribute("aria-describedby", `${told.id} ${why.id}`);
  const off = () => box.getAttribute("aria-disabled") === "true";
  box.addEventListener("click", (event) => {
    if (off()) return event.preventDefault();
    toggle(addon, once || box.checked);
  });
  const element = make("li", {}, box, make("div", {}, name, told, why));
  element.toggleAttribute("data-unused", Boolean(reason));
  const settle = (ids, full) => {
    const on = ids.includes(addon.id);
    box.checked = on;
    if (once) box.setAttribute("aria-pressed", String(on));
    // What is chosen can be taken back, also if it does not fit.
    box.setAttribute("aria-disabled", String(!on && (Boolean(reason) || full)));
  };
  return { addon, element, settle };
}

/** Those that fit first, each part by name. */
function sorted(addons, misfit) {
  const late = new Map(addons.map((addon) => [addon, Boolean(misfit(addon))]));
  return addons.toSorted((a, b) => late.get(a) - late.get(b) || a.name.localeCompare(b.name));
}

function familyList(addons) {
  const families = [...new Set(addons.map(({ base }) => base ?? UNKNOWN))].toSorted();
  const options = families.map((value) =>
    make("option", { value, textContent: value === UNKNOWN ? "Family unknown" : value }),
  );
  const select = make("select", {}, make("option", { value: "", textContent: "All families" }), ...options);
  select.setAttribute("aria-label", "Family");
  select.hidden = families.length < 2;
  return select;
}

function announcer() {
  const made = make("p", { className: "sr-only", data: { announcer: "" } });
  made.setAttribute("aria-live", "polite");
  return made;
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}`;

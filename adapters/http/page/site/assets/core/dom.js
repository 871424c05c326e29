// Elements made by hand. Text only ever becomes text: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";

/** The element with this id, which the page has. */
export const byId = (id) => document.getElementById(id);

/** A new element with these properties, `data-` attributes, and children that are not null. */
export function make(tag, { data = {}, ...properties } = {}, ...children) {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  Object.assign(element.dataset, data);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** One of the symbols at the top of the page. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "use"));
  setIcon(svg, name);
  return svg;
}

/** Make an icon another one. */
export function setIcon(svg, name) {
  svg.firstElementChild.setAttribute("href", `#i-${name}`);
}

/** A button that says what it does. */
export function button(symbol, text, onClick) {
  const words = make("span", { textContent: text });
  const made = make("button", { type: "button", className: "quiet" }, icon(symbol), words);
  made.addEventListener("click", onClick);
  return made;
}

/** A button that shows what it does; `label` says it to people who cannot see it. */
export function iconButton(symbol, label, onClick) {
  const made = make("button", { type: "button", className: "square", title: label }, icon(symbol));
  made.setAttribute("aria-label", label);
  made.addEventListener("click", onClick);
  return made;
}

/** Show `text` in an element that is hidden while it has nothing to say. */
export function say(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

/** Tell people who hear the page. What is behind an open dialog is not read out. */
export function announce(text) {
  const dialogs = document.querySelectorAll("dialog[open] [data-announcer]");
  const announcer = [...dialogs].at(-1) ?? byId("announcer");
  if (announcer.textContent !== text) announcer.textContent = text;
}

/** Resolves after so many milliseconds; rejects when `signal` aborts. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

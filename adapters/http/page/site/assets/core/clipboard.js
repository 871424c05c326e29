// Copying text, also where there is no HTTPS and so no navigator.clipboard.

import { announce, make } from "./dom.js";

/** Copy `text`, and say so on the button that asked for it. */
export async function copy(text, asked) {
  const copied = await toClipboard(text);
  announce(copied ? `Copied ${text}` : "The browser let nothing be copied");
  asked.classList.toggle("copied", copied);
  setTimeout(() => asked.classList.remove("copied"), 1500);
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return byHand(text);
  }
}

function byHand(text) {
  const focused = document.activeElement;
  const field = make("textarea", { value: text, className: "sr-only" });
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return copied;
}

// What the form holds, over a reload and until the next visit: settings on this device; what a
// person wrote, and the pictures to draw from, in this tab alone, unless the person is remembered on
// this device.

import { device, tab } from "../core/store.js";

const SETTINGS = "settings";
const WORDS = "draft";
const WRITTEN = ["prompt", "negative_prompt", "init_image", "mask_image", "controls"];

/** Keep the values of the form by name; `onDevice` keeps what was written there too. */
export function keepDraft(values, { seedKept, onDevice }) {
  const settings = { ...values };
  const words = {};
  for (const name of WRITTEN) {
    words[name] = settings[name];
    delete settings[name];
  }
  if (!seedKept) delete settings.seed;
  device.write(SETTINGS, { values: settings, seedKept });
  (onDevice ? device : tab).write(WORDS, words);
}

/** The values that were kept, and whether the seed is to stay; null when there are none. */
export function keptDraft() {
  const settings = device.read(SETTINGS);
  const words = tab.read(WORDS) ?? device.read(WORDS);
  if (!settings && !words) return null;
  return { values: { ...settings?.values, ...words }, seedKept: Boolean(settings?.seedKept) };
}

/** Forget what was written, and the seed; how people like to draw stays. */
export function forgetWords() {
  tab.remove(WORDS);
  device.remove(WORDS);
  const settings = device.read(SETTINGS);
  if (!settings) return;
  delete settings.values.seed;
  device.write(SETTINGS, { ...settings, seedKept: false });
}

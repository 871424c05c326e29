// What a picture's settings say of LoRAs, embeddings, a VAE and ControlNets, as AUTOMATIC1111's web UI and
// its ControlNet extension write it. Files are found by their hash, or else by their name.

import { named } from "../form/models.js";

const LORA = /\s*<lora:([^:<>]+)(?::([^:<>]*))?(?::[^<>]*)?>/g;
const FITS = { "Just Resize": "stretch", "Crop and Resize": "crop", "Resize and Fill": "pad" };
const MODES = {
  Balanced: "balanced",
  "My prompt is more important": "prompt",
  "ControlNet is more important": "control",
};

/** The prompt without the LoRAs that it names. */
export const promptOf = (told) => told.Prompt?.replace(LORA, "");

/** The fields of a request, and the names of the files that are not here. `addons` are those that are. */
export function besideIn(told, addons) {
  const missing = [];
  const find = (kind, what, name, hash) => {
    const known = addons.filter((addon) => addon.kind === kind);
    // A name that cannot stand there is replaced by the first digits of the id.
    const found = named(known, hash, name) ?? named(known, /^[0-9a-f]{10,}$/.exec(name)?.[0], "");
    if (!found) missing.push(`the ${what} ${name}`);
    return found;
  };
  const loras = [];
  const hashes = pairs(told["Lora hashes"]);
  for (const [, name, scale] of (told.Prompt ?? "").matchAll(LORA)) {
    const found = find("lora", "LoRA", name, hashes.get(name));
    if (found) loras.push({ model_id: found.id, scale: numberOf(scale, 1) });
  }
  const embeddings = [];
  for (const [token, hash] of pairs(told["TI hashes"])) {
    const found = find("embedding", "embedding", token, hash);
    if (found) embeddings.push({ model_id: found.id, token });
  }
  const vae = told.VAE && find("vae", "VAE", told.VAE, told["VAE hash"]);
  const controls = [];
  for (const [, unit] of Object.entries(told).filter(([name]) => /^ControlNet \d+$/.test(name))) {
    const control = controlIn(unit, find);
    if (control) controls.push(control);
  }
  const fields = {
    loras,
    embeddings,
    vae_id: vae?.id ?? null,
    controls,
    clip_skip: numberOf(told["Clip skip"], null),
    prompt_syntax: isWeighted(told) ? "weighted" : null,
  };
  return { fields, missing };
}

/**
 * Whether the prompts were read by AUTOMATIC1111's grammar. This service says so with «Emphasis», and the
 * web UI says its version, but its default emphasis not.
 */
function isWeighted({ Emphasis: emphasis, Version: version }) {
  return emphasis ? emphasis !== "None" : version !== undefined;
}

/** The control that a unit of the ControlNet extension describes. Its picture is not in the file. */
function controlIn(unit, find) {
  const facts = pairs(unit);
  const [, name, hash] = /^(.*?)(?: \[([0-9a-f]+)\])?$/.exec(facts.get("Model") ?? "");
  const found = find("controlnet", "ControlNet", name, hash);
  if (!found) return null;
  const number = (key, fallback) => numberOf(facts.get(key), fallback);
  const control = {
    model_id: found.id,
    scale: number("Weight", 1),
    start: number("Guidance Start", 0),
    end: number("Guidance End", 1),
  };
  const maker = facts.get("Module") ?? "none";
  if (/^canny/.test(maker)) {
    control.preprocessor = { name: "canny", low: number("Threshold A", 100), high: number("Threshold B", 200) };
  } else if (/^invert/.test(maker)) control.preprocessor = "invert";
  control.resize_mode = FITS[facts.get("Resize Mode")] ?? "crop";
  control.mode = MODES[facts.get("Control Mode")] ?? "balanced";
  return control;
}

/** "a: 1, b: 2" as a map. A value may hold a colon. */
function pairs(text) {
  const rows = [...(text ?? "").matchAll(/\s*([^:,]+):\s*([^,]*)(?:,|$)/g)];
  return new Map(rows.map(([, name, value]) => [name.trim(), value.trim()]));
}

function numberOf(text, fallback) {
  const value = Number.parseFloat(text);
  return Number.isFinite(value) ? value : fallback;
}

// The settings that a picture carries, as this service and AUTOMATIC1111's web UI write them. The service
// reads the file. This module turns the settings into fields of a request.

import { besideIn, promptOf } from "./beside.js";

// PNG has the key «parameters»; JPEG and WebP have an EXIF comment, which begins with its character set.
const MARKS = /parameters\0|UNICODE\0|ASCII\0\0\0/;

/** The settings of a file by the names of AUTOMATIC1111; null when it carries none. */
export async function settingsIn(file, api, signal) {
  const text = new TextDecoder("latin1").decode(await file.arrayBuffer());
  if (!MARKS.test(text)) return null;
  const told = await api.settingsOf(await base64(file), signal);
  return told.Prompt || told.Steps ? told : null;
}

/** The fields of a request for these settings. `models` are those of the form. */
export function fieldsOf(told, models) {
  const number = (name) => {
    const value = Number.parseFloat(told[name]);
    return Number.isFinite(value) ? value : undefined;
  };
  const model = models.named(told["Model hash"], told.Model);
  const [width, height] = [number("Size-1"), number("Size-2")];
  const beside = besideIn(told, models.addons ?? []);
  const fields = {
    prompt: promptOf(told),
    negative_prompt: told["Negative prompt"] ?? "",
    model_id: model?.id,
    num_inference_steps: number("Steps"),
    guidance_scale: number("CFG scale"),
    seed: number("Seed"),
    width,
    height,
    scheduler: schedulerOf(told, model ?? models.chosen),
    strength: number("Denoising strength"),
    mask_blur: number("Mask blur"),
    noise_multiplier: number("Noise multiplier"),
    image_guidance_scale: number("Image CFG scale"),
    ...beside.fields,
  };
  if (told["Hires upscale"] !== undefined) {
    fields.second_pass = {
      scale: number("Hires upscale"),
      strength: number("Denoising strength"),
      num_inference_steps: number("Hires steps") || undefined,
      upscaler: upscalerOf(told["Hires upscaler"], models.upscalers),
    };
    // One name for both: with a second pass it is the strength of that.
    delete fields.strength;
  }
  return fields;
}

/** A sentence that names the model, sampler, upscaler or add-ons that are not here; empty if all are. */
export function unknownIn(told, fields, models) {
  const unknown = [
    [told.Model ?? told["Model hash"], fields.model_id, "the model"],
    [told.Sampler, fields.scheduler, "the sampler"],
    [told["Hires upscaler"], fields.second_pass?.upscaler, "the upscaler"],
  ];
  const named = unknown
    .filter(([name, found]) => name && found === undefined)
    .map(([name, , what]) => `${what} ${name}`)
    .concat(besideIn(told, models.addons ?? []).missing);
  return named.length ? `Not here: ${named.join(", ")}.` : "";
}

/** The sampler's name with its schedule: newer releases write them apart. */
function schedulerOf(told, model) {
  const known = model?.schedulers ?? [];
  const schedule = told["Schedule type"];
  const names = [`${told.Sampler} ${schedule}`, told.Sampler];
  return names.find((name) => known.includes(name));
}

function upscalerOf(name, upscalers) {
  if (!name) return undefined;
  if (/^latent/i.test(name)) return "latent";
  if (/^lanczos/i.test(name)) return "lanczos";
  const stem = (model) => model.name.slice(0, model.name.length - model.extension.length);
  return upscalers.find((model) => [model.name, stem(model)].includes(name))?.id;
}

async function base64(file) {
  const reader = new FileReader();
  const read = new Promise((resolve, reject) => {
    reader.addEventListener("load", resolve);
    reader.addEventListener("error", () => reject(reader.error));
  });
  reader.readAsDataURL(file);
  await read;
  return reader.result;
}

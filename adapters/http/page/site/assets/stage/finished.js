// What became of a job: its pictures, or why there are none, and what was asked for.

import { copy } from "../core/clipboard.js";
import { button, icon, iconButton, make } from "../core/dom.js";
import { duration, fileName, when } from "../core/format.js";
import { beforeOf, isUpscale, titleOf } from "../core/requests.js";

const FITS = { stretch: "stretched", crop: "cropped", pad: "padded" };

/** The pictures of a job that succeeded, with what can be done with each. `parts` is the stage's. */
export function pictures(job, parts) {
  const figures = job.images.map((image, number) => {
    const { width, height } = image;
    const alt = altOf(job, image);
    const picture = make("img", { alt, width, height });
    const open = make("button", { type: "button", className: "large", disabled: true }, picture);
    open.setAttribute("aria-label", `Open large: ${alt}`);
    open.addEventListener("click", () => parts.enlarge(job, number));
    const download = downloadLink(job, image);
    parts.load(picture, image.url).then((address) => {
      if (address === null) return;
      open.disabled = false;
      download.href = address;
      download.hidden = false;
    });
    return make("figure", { className: "picture" }, open, caption(job, number, download, parts));
  });
  const area = make("div", { className: "pictures area", data: { number: figures.length } });
  area.append(...figures);
  return area;
}

/** The text alternative of a picture. */
export const altOf = (job, { seed }) =>
  isUpscale(job.request) ? titleOf(job) : `${titleOf(job)}, seed ${seed}`;

function caption(job, number, download, { reuse, vary, ...onward }) {
  const image = job.images[number];
  const more = onwardButtons(job, number, onward);
  if (isUpscale(job.request)) {
    const size = `${image.width} × ${image.height}`;
    return make("figcaption", {}, make("span", { className: "seed-number", textContent: size }), download, ...more);
  }
  const copySeed = iconButton("copy", `Copy seed ${image.seed}`, () => copy(`${image.seed}`, copySeed));
  const again = button("reuse", "Use these settings", () => reuse(job.request, image.seed));
  again.title = `Fill in the form as for this picture, with seed ${image.seed}`;
  const other = button("dice", "Vary", () => vary(job, null));
  other.title = "Draw with the same settings and a new random seed";
  const next = button("next", "Next seed", () => vary(job, image.seed + 1));
  next.title = `Draw with the same settings and seed ${image.seed + 1}`;
  return make(
    "figcaption",
    {},
    make("span", { className: "seed-number", textContent: `Seed ${image.seed}` }),
    copySeed,
    download,
    again,
    other,
    next,
    ...more,
  );
}

/** The buttons that draw from a picture, enlarge it and compare it. */
function onwardButtons(job, number, { start, upscale, compare }) {
  const buttons = [];
  const add = (symbol, text, title, onClick) => {
    buttons.push(Object.assign(button(symbol, text, onClick), { title }));
  };
  if (job.images[number].id) {
    const title = "Let the next drawing start from this picture";
    add("picture", "Start from this one", title, () => start(job, number));
    add("enlarge", "Upscale", "Make this picture larger", () => upscale(job, number));
  }
  if (beforeOf(job)) {
    const title = "Compare it with the picture that it began with";
    add("compare", "Before and after", title, () => compare(job, number));
  }
  return buttons;
}

function downloadLink(job, image) {
  const link = make("a", { className: "square", title: "Download", hidden: true }, icon("download"));
  const which = isUpscale(job.request) ? "Download the picture" : `Download the picture of seed ${image.seed}`;
  link.setAttribute("aria-label", which);
  link.download = fileName(titleOf(job), image);
  return link;
}

/** What can be done with all pictures of a job. */
export function jobActions(job, { favourites, remove }) {
  const prompt = iconButton("copy-text", "Copy the prompt", () => copy(job.request.prompt, prompt));
  return make(
    "div",
    { className: "job-actions" },
    favouriteButton(job, favourites),
    isUpscale(job.request) ? null : prompt,
    iconButton("bin", "Delete", () => remove([job])),
  );
}

/** A star that is filled while the job is a favourite. */
export function favouriteButton(job, favourites) {
  const star = iconButton("star", "Favourite", () => {
    favourites.toggle(job.id);
    show();
  });
  const show = () => star.setAttribute("aria-pressed", String(favourites.has(job.id)));
  show();
  return star;
}

/** Why a job has no pictures, as the service says it. */
export function withoutPictures(job, { reuse, remove }) {
  const cancelled = job.status === "cancelled";
  return make(
    "div",
    { className: "without-pictures" },
    make("h2", { textContent: cancelled ? "Cancelled" : "This could not be drawn" }),
    make("p", {
      textContent: job.error?.detail ?? (cancelled ? "It was stopped before it was done." : ""),
    }),
    make(
      "div",
      { className: "row" },
      isUpscale(job.request)
        ? null
        : button("reuse", "Use these settings", () => reuse(job.request, job.request.seed)),
      button("bin", "Delete", () => remove([job])),
    ),
  );
}

/** What was asked for. */
export function facts(job, modelName) {
  const { request } = job;
  const rows = [
    ["Not", request.negative_prompt],
    ["Model", isUpscale(request) ? upscalerName(request.model_id, modelName) : modelName(request.model_id)],
    ["Size", request.width && `${request.width} × ${request.height}`],
    ["Steps", request.num_inference_steps],
    ["Guidance", request.guidance_scale],
    ["Sampler", request.scheduler],
    ...addonRows(request, modelName),
    ...partRows(request, modelName),
    ["Format", [request.output_format, request.quality && `quality ${request.quality}`].filter(Boolean).join(", ")],
    ["Took", job.processing_time && duration(job.processing_time)],
    ["Asked", when(job.created_at)],
  ];
  const list = make("dl", { className: "facts" });
  for (const [name, value] of rows) {
    if (value === null || value === undefined || value === "" || value === false) continue;
    const definition = make("dd", { textContent: value });
    list.append(make("div", {}, make("dt", { textContent: name }), definition));
  }
  return list;
}

/** The rows about LoRAs, embeddings, the VAE and ControlNets. */
function addonRows(request, modelName) {
  const { loras, embeddings, vae_id: vae, controls, prompt_syntax: syntax, clip_skip: skip } = request;
  return [
    ["Weights", syntax === "weighted" && "read in the prompts"],
    ["LoRA", loras?.map(({ model_id: id, scale }) => `${modelName(id)} × ${scale ?? 1}`).join(", ")],
    ["Embedding", embeddings?.map(({ model_id: id, token }) => token ?? modelName(id)).join(", ")],
    ["VAE", vae && modelName(vae)],
    ["ControlNet", controls?.map((control) => controlWords(control, modelName)).join("; ")],
    ["Clip skip", skip > 1 && skip],
  ];
}

function controlWords({ model_id: id, scale = 1, start = 0, end = 1, preprocessor }, modelName) {
  const { name, low, high } = typeof preprocessor === "string" ? { name: preprocessor } : (preprocessor ?? {});
  const made = name && [name, low !== undefined && low !== null && `${low}–${high}`].filter(Boolean).join(" ");
  const when = start > 0 || end < 1 ? `from ${start} to ${end}` : "";
  return [`${modelName(id)} × ${scale}`, made, when].filter(Boolean).join(", ");
}

/** The rows about the source picture, the second pass and upscaling. */
function partRows(request, modelName) {
  const { init_image: start, mask_image: mask, second_pass: second, upscale } = request;
  const rows = [];
  if (start) {
    rows.push(["Strength", request.strength]);
    rows.push(["Picture guidance", request.image_guidance_scale]);
    rows.push(["Picture", FITS[request.resize_mode]]);
    rows.push(["Noise", request.noise_multiplier === 1 ? null : request.noise_multiplier]);
  }
  if (start && mask) {
    const around = ["masked", "in_place"].includes(request.inpaint_area) ? `, only round it with ${request.inpaint_padding} pixels` : "";
    rows.push(["Mask", `blur ${request.mask_blur}, ${request.mask_content}${around}`]);
  }
  if (second) {
    const steps = second.num_inference_steps ? `, ${second.num_inference_steps} steps` : "";
    const how = `× ${second.scale}, strength ${second.strength}${steps}, ${upscalerName(second.upscaler, modelName)}`;
    rows.push(["Second pass", how]);
  }
  if (upscale) rows.push(["Upscaled", `${modelName(upscale.model_id)}${factor(upscale.scale)}`]);
  if (isUpscale(request)) rows.push(["Factor", request.scale && `× ${request.scale}`]);
  return rows;
}

/** The name of an upscaler, with or without a model. */
const upscalerName = (name, modelName) =>
  ({ latent: "latents", lanczos: "Lanczos" })[name ?? "lanczos"] ?? modelName(name);

const factor = (scale) => (scale ? `, × ${scale}` : "");

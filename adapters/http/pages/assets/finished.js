// What became of a job: its pictures, or why there are none, and what was asked for.

import { copy } from "./clipboard.js";
import { button, icon, iconButton, make } from "./dom.js";
import { duration, fileName, when } from "./format.js";

/**
 * The pictures of a job that succeeded.
 *
 * @param {object} options
 * @param {(image: HTMLImageElement, url: string) => Promise<string|null>} options.load shows the
 *   picture at `url`; its blob's address
 * @param {Viewer} options.viewer
 * @param {(request: object, seed: number) => void} options.reuse
 */
export function pictures(job, { load, viewer, reuse }) {
  const large = []; // what the viewer shows: those that have come
  const figures = job.images.map((image) => {
    const seen = {
      src: null,
      alt: `${job.request.prompt}, seed ${image.seed}`,
      caption: `Seed ${image.seed} · ${image.width} × ${image.height}`,
    };
    large.push(seen);
    const { width, height } = image;
    const picture = make("img", { alt: seen.alt, width, height });
    const open = make("button", { type: "button", className: "large", disabled: true }, picture);
    open.setAttribute("aria-label", `Open large: ${seen.alt}`);
    open.addEventListener("click", () => {
      const there = large.filter(({ src }) => src);
      viewer.open(there, there.indexOf(seen));
    });
    const download = downloadLink(job, image);
    load(picture, image.url).then((address) => {
      if (address === null) return;
      seen.src = address;
      open.disabled = false;
      download.href = address;
      download.hidden = false;
    });
    return make("figure", { className: "picture" }, open, caption(job, image, download, reuse));
  });
  return make("div", { className: "pictures", data: { number: figures.length } }, ...figures);
}

function caption(job, image, download, reuse) {
  const copySeed = iconButton("copy", `Copy seed ${image.seed}`, () => copy(`${image.seed}`, copySeed));
  const again = button("reuse", "Use these settings", () => reuse(job.request, image.seed));
  again.title = `Fill in the form as for this picture, with seed ${image.seed}`;
  return make(
    "figcaption",
    {},
    make("span", { className: "seed-number", textContent: `Seed ${image.seed}` }),
    copySeed,
    download,
    again,
  );
}

function downloadLink(job, image) {
  const link = make("a", { className: "square", title: "Download", hidden: true }, icon("download"));
  link.setAttribute("aria-label", `Download the picture of seed ${image.seed}`);
  link.download = fileName(job.request.prompt, image.seed, image.media_type);
  return link;
}

/** Why a job has no pictures, as the service says it. */
export function withoutPictures(job, reuse) {
  const cancelled = job.status === "cancelled";
  return make(
    "div",
    { className: "without-pictures" },
    make("h2", { textContent: cancelled ? "Cancelled" : "This could not be drawn" }),
    make("p", {
      textContent: job.error?.detail ?? (cancelled ? "It was stopped before it was done." : ""),
    }),
    button("reuse", "Use these settings", () => reuse(job.request, job.request.seed)),
  );
}

/** What was asked for. */
export function facts(job, modelName) {
  const { request } = job;
  const rows = [
    ["Not", request.negative_prompt],
    ["Model", modelName(request.model_id)],
    ["Size", `${request.width} × ${request.height}`],
    ["Steps", request.num_inference_steps],
    ["Guidance", request.guidance_scale],
    ["Scheduler", request.scheduler],
    ["Format", request.output_format + (request.quality ? `, quality ${request.quality}` : "")],
    ["Took", job.processing_time && duration(job.processing_time)],
    ["Asked", when(job.created_at)],
  ];
  const list = make("dl", { className: "facts" });
  for (const [name, value] of rows) {
    if (value === null || value === undefined || value === "") continue;
    const definition = make("dd", { textContent: value });
    list.append(make("div", {}, make("dt", { textContent: name }), definition));
  }
  return list;
}

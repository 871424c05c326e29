// The part of the form for the picture that a drawing starts from. `pictures/source.js` handles
// pictures. It loads with the first picture.

import { announce, byId, say } from "../core/dom.js";
import { later } from "../core/later.js";

const NOT_LOADED = "The part of the page that handles pictures did not load. Choose the picture again.";

export class StartField {
  #picture = byId("init_image"); // the id of the picture, once the service has it
  #mask = byId("mask_image");
  #handlers;
  #api = null;
  #model = null;
  #source = null; // the loaded Source
  #loading = null; // the promise of it
  #last = 0; // the number of the last picture that was asked for: only that one is shown
  #handled = Promise.resolve(true); // whether the Source has loaded and has the last picture

  /**
   * @param {object} handlers
   * @param {object} handlers.models the models to choose from
   * @param {() => void} handlers.onChange when another picture or mask is sent
   * @param {(picture: {width: number, height: number} | null, options?: object) => void} handlers.onSize
   * @param {(settings: object) => void} handlers.onSettings when a person wants the settings of a picture
   */
  constructor(handlers) {
    this.#handlers = handlers;
    const file = byId("picture-file");
    byId("choose-picture").addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      if (file.files.length) this.take(file.files[0]);
      file.value = ""; // so that the same file can be chosen again
    });
    this.#installDrop();
    document.addEventListener("paste", (event) => {
      const [pasted] = picturesOf(event.clipboardData);
      if (!pasted || !isStudio()) return;
      event.preventDefault();
      this.take(pasted);
    });
  }

  use(api) {
    this.#api = api;
    this.#source?.use(api);
    if (api && this.#picture.value) this.show();
  }

  /** Show what this model can do with a picture. */
  offer(model) {
    this.#model = model;
    this.settle();
  }

  /** Resolves once the service has the picture and the mask; false when it does not take them. */
  async sent() {
    if (await this.#handled) return (await this.#source?.sent) ?? true;
    // Draw has cleared the message, so show it again. The next attempt draws without the picture.
    this.#handled = Promise.resolve(true);
    say(byId("init_image-error"), NOT_LOADED);
    return false;
  }

  /** Start from this file. */
  take(file) {
    this.#handle((source) => source.take(file));
  }

  /** Start from a picture that the service has. */
  takeKnown(image, name) {
    [this.#picture.value, this.#mask.value] = [image.id, ""];
    this.#handle((source) => source.takeKnown(image, name));
    this.#handlers.onChange();
  }

  /** Show the picture and the mask that the form names by their ids. */
  show() {
    if (!this.#picture.value) return this.remove();
    // Without a credential nothing can be shown yet; `use` does it.
    if (!this.#api) return;
    const image = { id: this.#picture.value };
    const more = { maskId: this.#mask.value, follow: false };
    this.#handle((source) => source.takeKnown(image, "Earlier picture", more));
  }

  /** Start from text alone. */
  remove() {
    this.#last += 1;
    this.#handled = Promise.resolve(true);
    this.#picture.value = "";
    this.#mask.value = "";
    this.#source?.remove();
    this.#handlers.onSize(null);
  }

  /** Enable the fields that the picture, the mask and the model allow. */
  settle() {
    const model = this.#model;
    const can = (input) => !model || model.inputs.includes(input);
    const shown = Boolean(this.#source?.shown || this.#picture.value);
    const masked = Boolean(this.#mask.value);
    enable("source-fields", shown && can("image"));
    enable("mask-fields", shown && masked && can("mask"));
    this.#picture.disabled = !can("image");
    this.#mask.disabled = !can("image") || !can("mask");
    byId("choose-picture").disabled = !can("image");
    byId("source-hint").hidden = !can("image");
    offerField("image-guidance", "image_guidance_scale", guidesByPicture(model));
    // A model without schedulers adds its own noise.
    offerField("source-noise", "noise_multiplier", !model || model.schedulers.length > 0);
    say(byId("source-reason"), reason(model, can, { shown, masked }));
    this.#source?.allow({ mask: can("mask") });
  }

  /** Do `what` with the Source, unless something else is asked for before it is loaded. */
  #handle(what) {
    for (const name of ["init_image", "mask_image"]) say(byId(`${name}-error`), "");
    const asked = ++this.#last;
    this.#handled = this.#loaded().then((source) => {
      if (source && asked === this.#last) what(source);
      return source !== null;
    });
  }

  #loaded() {
    this.#loading ??= later("pictures/source").then(({ Source }) => {
      const handlers = {
        ...this.#handlers,
        onChange: (ids) => {
          [this.#picture.value, this.#mask.value] = [ids.picture, ids.mask];
          this.#handlers.onChange();
        },
      };
      this.#source = new Source(this.#api, handlers);
      return this.#source;
    });
    return this.#loading.catch(() => {
      this.#loading = null;
      say(byId("init_image-error"), NOT_LOADED);
      announce(NOT_LOADED);
      return null;
    });
  }

  #installDrop() {
    const mark = (on) => document.body.toggleAttribute("data-dropping", on);
    const carries = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!carries(event)) return;
      // Otherwise the browser would leave the page and show the file.
      event.preventDefault();
      const takes = isStudio() && !byId("choose-picture").disabled;
      event.dataTransfer.dropEffect = takes ? "copy" : "none";
      mark(takes);
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) mark(false);
    });
    document.addEventListener("drop", (event) => {
      mark(false);
      if (!carries(event)) return;
      event.preventDefault();
      if (!isStudio() || byId("choose-picture").disabled) return;
      const files = [...event.dataTransfer.files];
      if (files.length > 1) announce("Only the first of the files is used");
      if (files.length) this.take(files[0]);
    });
  }
}

/** Whether a model takes `image_guidance_scale`: only InstructPix2Pix models do. */
const guidesByPicture = (model) => Boolean(model?.family?.endsWith("-pix2pix"));

function reason(model, can, { shown, masked }) {
  if (!can("image")) {
    return `${model.name} draws from text alone.${shown ? " The picture is not used." : ""}`;
  }
  if (!can("text") && !shown) return `${model.name} changes a picture: choose the one to start from.`;
  if (masked && !can("mask")) return `${model.name} takes no mask. The mask is not used.`;
  return "";
}

function enable(id, on) {
  byId(id).disabled = !on;
  byId(id).hidden = !on;
}

function offerField(place, name, on) {
  byId(place).hidden = !on;
  byId(name).disabled = !on;
}

const picturesOf = (data) => [...(data?.files ?? [])].filter(({ type }) => type.startsWith("image/"));

const isStudio = () =>
  document.documentElement.dataset.page === "studio" && !document.querySelector("dialog[open]");

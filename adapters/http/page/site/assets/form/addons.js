// What a drawing has beside the checkpoint: LoRAs, embeddings, a VAE, ControlNets. Hidden fields hold it
// as the API has it. The scripts in `addons/` do the rest. They load when a person opens that part of the
// form, or when something is chosen there.

import { announce, byId, say } from "../core/dom.js";
import { count } from "../core/format.js";
import { later } from "../core/later.js";
import { unfoldSettings } from "../work/views.js";

/** The kinds of add-ons, by the field of a request that names them, as people call them. */
export const ADDONS = {
  loras: { kind: "lora", label: "LoRA" },
  embeddings: { kind: "embedding", label: "embedding" },
  vae_id: { kind: "vae", label: "VAE" },
  controls: { kind: "controlnet", label: "ControlNet" },
};
const FIELDS = Object.keys(ADDONS);
const KINDS = new Set(Object.values(ADDONS).map(({ kind }) => kind));
const NOT_LOADED = "The part of the page that handles add-ons did not load. Try again.";

/** Whether a model of the list is an add-on. */
export const isAddon = (model) => KINDS.has(model.kind);

export class AddonFields {
  #root = byId("addons");
  #onChange;
  #section = null; // the loaded section
  #loading = null; // the promise of it
  /** The API of whoever is signed in, or null. */
  api = null;
  /** The chosen checkpoint. */
  model = null;
  /** The add-ons that are listed, those without use too; null until the list was read. */
  known = null;

  /** `onChange` is called when a person has changed something. */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#root.addEventListener("toggle", () => {
      if (this.#root.open) this.#load();
    });
  }

  use(api) {
    this.api = api;
    // Pictures belong to the caller who sent them.
    this.#section?.use();
  }

  /** The listed add-ons of a field. */
  listed(name) {
    return this.known?.filter(({ kind }) => kind === ADDONS[name].kind) ?? [];
  }

  /** What is chosen in a field, as the API has it: objects with a `model_id`. */
  chosen(name) {
    const { value } = byId(name);
    if (!value) return [];
    return name === "vae_id" ? [{ model_id: value }] : JSON.parse(value);
  }

  /** Choose these, as a person did. */
  choose(name, entries) {
    const text = name === "vae_id" ? entries[0]?.model_id : entries.length && JSON.stringify(entries);
    byId(name).value = text || "";
    this.#onChange();
  }

  /** Show what this model and these add-ons allow. */
  offer(model, addons) {
    this.model = model;
    this.known = addons;
    this.settle();
    this.#section?.update();
  }

  /** Show what the fields hold now. */
  show() {
    this.settle();
    if (this.#isUsed) this.#load();
    this.#section?.show();
  }

  /** Forget the pictures, for whoever comes next. */
  clear() {
    byId("controls").value = "";
    this.show();
  }

  /** Show what follows from the values of the form. */
  settle() {
    const listed = FIELDS.map((name) => [this.listed(name).length, ADDONS[name].label]);
    const there = listed.filter(([number]) => number);
    const words = there.map(([number, label]) => count(number, label));
    byId("addons-now").textContent = this.#section?.summary ?? words.join(" · ");
    this.#root.hidden = there.length === 0 && !this.#isUsed;
    this.#section?.settle();
  }

  /** The rows of what cannot be sent. */
  get unreadable() {
    return this.#section?.unreadable ?? [];
  }

  /** Resolves once all is ready to be sent; to false when the service does not take a picture. */
  async sent() {
    if (!this.#isUsed) return true;
    const section = await this.#load();
    return section !== null && section.sent;
  }

  /** Leave out of a request what does not fit. The section says so. */
  restrict(request) {
    return this.#section?.restrict(request) ?? request;
  }

  /** Show the rows of an error that are of add-ons; return the others. */
  showErrors(rows) {
    return this.#section?.showErrors(rows) ?? rows;
  }

  get #isUsed() {
    return FIELDS.some((name) => byId(name).value !== "");
  }

  #load() {
    this.#loading ??= later("addons/section").then(({ AddonSection }) => {
      this.#section = new AddonSection(this.#root, byId("addons-body"), this);
      say(byId("addons-error"), "");
      this.#section.show();
      this.settle();
      return this.#section;
    });
    return this.#loading.catch(() => {
      this.#loading = null;
      this.#root.open = true;
      unfoldSettings(true);
      say(byId("addons-error"), NOT_LOADED);
      announce(NOT_LOADED);
      return null;
    });
  }
}

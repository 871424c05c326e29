// What a drawing has beside the checkpoint: LoRAs, embeddings, a VAE, ControlNets. Hidden fields hold it
// as the API has it. `addons/section.js` shows it, and loads when a person opens that part of the form.

import { announce, byId, say } from "../core/dom.js";
import { count } from "../core/format.js";
import { later } from "../core/later.js";

/** The kinds of add-ons, by the field of a request that names them, as people call them. */
export const ADDONS = {
  loras: { kind: "lora", label: "LoRA" },
  embeddings: { kind: "embedding", label: "embedding" },
  vae_id: { kind: "vae", label: "VAE" },
  controls: { kind: "controlnet", label: "ControlNet" },
};
const FIELDS = Object.keys(ADDONS);
const KINDS = new Set(Object.values(ADDONS).map(({ kind }) => kind));
const NOT_LOADED = "This part of the page did not load. Close it and open it again.";

/** Whether a model of the list is an add-on. */
export const isAddon = (model) => KINDS.has(model.kind);

/** Why this add-on cannot be drawn with `model`; empty if nothing speaks against it. */
export function misfit(addon, model) {
  if (!addon.usable) return addon.reason ?? "cannot be used";
  if (model && !model.schedulers.length) {
    return `does not work with ${model.name}: only Stable Diffusion 1, 2 and XL draw with add-ons`;
  }
  const family = model?.base ?? model?.family;
  if (!addon.base || !family || addon.base === family) return "";
  return `is for ${addon.base}, and ${model.name} is ${family}`;
}

export class AddonFields {
  #root = byId("addons");
  #onChange;
  #api = null;
  #model = null;
  #known = null; // the add-ons by id; null until the list was read
  #section = null; // the loaded section
  #loading = null; // the promise of it
  #problems = []; // what the service said: { name, index, message }

  /** `onChange` is called when a person has changed something. */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#root.addEventListener("toggle", () => {
      if (this.#root.open) this.#load();
    });
  }

  use(api) {
    this.#api = api;
    // Pictures belong to the caller who sent them.
    this.#section?.forget();
  }

  get api() {
    return this.#api;
  }

  /** The chosen checkpoint. */
  get model() {
    return this.#model;
  }

  /** The add-ons of a field that are listed, those without use too. */
  listed(name) {
    return [...(this.#known?.values() ?? [])].filter(({ kind }) => kind === ADDONS[name].kind);
  }

  /** The listed add-on of this id, or null. */
  find(id) {
    return this.#known?.get(id) ?? null;
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
    this.#problems = this.#problems.filter((problem) => problem.name !== name);
    this.#onChange();
  }

  /** Why this choice is not drawn with; empty if it is. */
  unused({ model_id: id }) {
    if (this.#known === null) return "";
    const addon = this.find(id);
    return addon ? misfit(addon, this.#model) : "is not there any more";
  }

  /** What the service said of a choice; empty if nothing. */
  problem(name, index) {
    const rows = this.#problems.filter((problem) => problem.name === name && problem.index === index);
    return rows.map(({ message }) => message).join(". ");
  }

  /** The rows of what cannot be sent. */
  get unreadable() {
    return this.#section?.unreadable ?? this.#withoutPicture();
  }

  /** Resolves once the service has the pictures; false when it does not take one. */
  async sent() {
    return (await this.#section?.sent) ?? true;
  }

  /** Show what this model and these add-ons allow. `addons` is null until the list was read. */
  offer(model, addons) {
    this.#model = model;
    this.#known = addons && new Map(addons.map((addon) => [addon.id, addon]));
    this.settle();
    this.#section?.update();
  }

  /** Show what the fields hold now. */
  show() {
    this.#problems = [];
    this.settle();
    this.#section?.show();
  }

  /** Forget the pictures, for whoever comes next. */
  clear() {
    byId("controls").value = "";
    this.show();
  }

  /** Leave out of a request what does not fit. The section says so. */
  restrict(request) {
    for (const name of FIELDS) {
      if (!(name in request)) continue;
      const used = this.chosen(name).filter((entry) => !this.unused(entry));
      if (used.length === 0) delete request[name];
      else if (name !== "vae_id") request[name] = used;
    }
    return request;
  }

  /** Show these rows of an error beside what they are of; the rows of other fields. */
  showErrors(rows) {
    const others = [];
    this.#problems = [];
    for (const row of rows) {
      const [, name, number = 0, rest = ""] = /^([a-z_]+)(?:\[(\d+)\](.*))?$/.exec(row.field) ?? [];
      if (!(name in ADDONS)) {
        others.push(row);
        continue;
      }
      // The request has only those that are used.
      const used = this.chosen(name).flatMap((entry, index) => (this.unused(entry) ? [] : [index]));
      const part = rest.replace(/^\./, "").replace(/^model_id$/, "");
      const message = [part, row.message].filter(Boolean).join(" ");
      this.#problems.push({ name, index: used[Number(number)] ?? Number(number), message });
    }
    say(byId("addons-error"), "");
    if (this.#problems.length) this.#open();
    else this.#section?.update();
    return others;
  }

  /** Say in the closed section what is chosen. */
  settle() {
    const listed = FIELDS.map((name) => [name, this.listed(name).length]).filter(([, number]) => number);
    const chosen = FIELDS.flatMap((name) => this.chosen(name));
    const unused = chosen.filter((entry) => this.unused(entry)).length;
    const words = chosen.filter((entry) => !this.unused(entry)).map((entry) => this.#word(entry));
    if (unused) words.push(`${unused} not used`);
    if (!chosen.length) words.push(...listed.map(([name, number]) => count(number, ADDONS[name].label)));
    byId("addons-now").textContent = words.join(" · ");
    this.#root.hidden = listed.length === 0 && chosen.length === 0;
    this.#section?.settle();
  }

  #word({ model_id: id, scale }) {
    const name = this.find(id)?.name ?? id.slice(0, 10);
    return scale === undefined ? name : `${name} × ${scale}`;
  }

  async #open() {
    this.#root.open = true;
    const section = await this.#load();
    section?.update();
    section?.focusProblem();
  }

  #withoutPicture() {
    return this.chosen("controls").flatMap((entry, index) =>
      entry.image || this.unused(entry) ? [] : [{ field: `controls[${index}]`, message: "needs a picture" }],
    );
  }

  #load() {
    this.#loading ??= later("addons/section").then(({ AddonSection }) => {
      this.#section = new AddonSection(byId("addons-body"), this);
      this.#section.show();
      return this.#section;
    });
    return this.#loading.catch(() => {
      this.#loading = null;
      say(byId("addons-error"), NOT_LOADED);
      announce(NOT_LOADED);
      return null;
    });
  }
}

// What is chosen: whether it fits the model, and what the service said of it.

import { ADDONS } from "../form/addons.js";
import { wordsOf } from "./maps.js";

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

export class Choices {
  #fields;
  #problems = []; // what the service said: { name, index, message }

  /** `fields` are the AddonFields of the form. */
  constructor(fields) {
    this.#fields = fields;
  }

  /** The listed add-on of this id, or null. */
  find(id) {
    return this.#fields.known?.find((addon) => addon.id === id) ?? null;
  }

  /** Why this choice is not drawn with; empty if it is. */
  unused({ model_id: id }) {
    if (this.#fields.known === null) return "";
    const addon = this.find(id);
    return addon ? misfit(addon, this.#fields.model) : "is not there any more";
  }

  /** What the service said of a choice; empty if nothing. */
  problem(name, index) {
    const rows = this.#problems.filter((row) => row.name === name && row.index === index);
    return rows.map(({ message }) => message).join(". ");
  }

  /** Forget what the service said of a field. */
  changed(name) {
    this.#problems = this.#problems.filter((row) => row.name !== name);
  }

  /** Leave out of a request what is not used. */
  restrict(request) {
    for (const name of Object.keys(ADDONS)) {
      if (!(name in request)) continue;
      const used = this.#fields.chosen(name).filter((entry) => !this.unused(entry));
      if (used.length === 0) delete request[name];
      else if (name !== "vae_id") request[name] = used;
    }
    return request;
  }

  /** Remember the rows of an error that are of choices; return the others. */
  takeErrors(rows) {
    const others = [];
    this.#problems = [];
    for (const row of rows) {
      const [, name, number = 0, rest = ""] = /^([a-z_]+)(?:\[(\d+)\](.*))?$/.exec(row.field) ?? [];
      if (!(name in ADDONS)) {
        others.push(row);
        continue;
      }
      // The request has only those that are used.
      const used = this.#fields.chosen(name).flatMap((entry, index) => (this.unused(entry) ? [] : [index]));
      const part = rest.replace(/^\./, "").replace(/^model_id$/, "");
      const what = part ? wordsOf(part) : `This ${ADDONS[name].label}`;
      const message = `${what} ${row.message}`;
      this.#problems.push({ name, index: used[Number(number)] ?? Number(number), message });
    }
    return others;
  }

  /** Whether the service has refused a choice. */
  get areRefused() {
    return this.#problems.length > 0;
  }

  /** What is chosen, in a line; null if nothing is. */
  get summary() {
    const chosen = Object.keys(ADDONS).flatMap((name) => this.#fields.chosen(name));
    const used = chosen.filter((entry) => !this.unused(entry));
    const words = used.map((entry) => this.#word(entry));
    if (used.length < chosen.length) words.push(`${chosen.length - used.length} not used`);
    return words.length ? words.join(" · ") : null;
  }

  #word({ model_id: id, scale }) {
    const name = this.find(id)?.name ?? id.slice(0, 10);
    return scale === undefined ? name : `${name} × ${scale}`;
  }
}

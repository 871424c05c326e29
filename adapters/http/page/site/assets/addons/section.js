// The part of the form for add-ons: a group of cards for each kind, and a button that adds one.

import { announce, button, make } from "../core/dom.js";
import { ADDONS } from "../form/addons.js";
import { unfoldSettings } from "../work/views.js";
import { Choices, misfit } from "./choices.js";
import { controlCard } from "./controls.js";
import { embeddingCard } from "./embeddings.js";
import { loraCard } from "./loras.js";
import { ControlPictures } from "./maps.js";
import { card, factsOf, stemOf } from "./parts.js";
import { pick } from "./picker.js";

const GROUPS = {
  loras: { title: "LoRAs", add: "Add a LoRA", build: loraCard, fresh: ({ id }) => ({ model_id: id, scale: 1 }) },
  embeddings: {
    title: "Embeddings",
    add: "Add an embedding",
    build: embeddingCard,
    fresh: (addon) => ({ model_id: addon.id, token: stemOf(addon) }),
  },
  vae_id: { title: "VAE", add: "Choose a VAE", build: vaeCard, fresh: ({ id }) => ({ model_id: id }) },
  controls: { title: "ControlNets", add: "Add a ControlNet", build: controlCard, fresh: freshControl, once: true },
};
const OUTLINES = /canny|outline|edge/i; // ControlNets that are named so follow a map of canny

export class AddonSection {
  #details;
  #root;
  #fields;
  #choices;
  #limits;
  #chosen = {}; // the entries by field; each stays the same object while it is edited
  #shown = ""; // what the cards were made from
  #cards = [];
  #pictures;

  /** `details` unfolds `root`, where the cards are. `fields` are the AddonFields of the form. */
  constructor(details, root, fields) {
    this.#details = details;
    this.#root = root;
    this.#fields = fields;
    this.#choices = new Choices(fields);
    this.#limits = JSON.parse(root.dataset.limits);
    this.#pictures = new ControlPictures(() => fields.api, Number(root.dataset.mostBytes));
  }

  /** Show what the fields hold. */
  show() {
    for (const name of Object.keys(ADDONS)) this.#chosen[name] = this.#fields.chosen(name);
    this.#render();
  }

  /** Show what has changed about the models or was said of the choices. */
  update() {
    if (this.#facts() !== this.#shown) this.#render();
  }

  /** Show what follows from the prompts. */
  settle() {
    for (const each of this.#cards) each.settle?.();
  }

  /** Forget the pictures of whoever was signed in, and show those that the form names. */
  use() {
    this.#pictures.forget();
    this.#render();
  }

  get summary() {
    return this.#choices.summary;
  }

  restrict(request) {
    return this.#choices.restrict(request);
  }

  /** Show the rows of an error that are of add-ons, each at its card; return the others. */
  showErrors(rows) {
    const others = this.#choices.takeErrors(rows);
    if (this.#choices.areRefused) {
      this.#details.open = true;
      unfoldSettings(true);
    }
    this.update();
    this.#root.querySelector(".addon [aria-describedby$='-problem']")?.focus();
    return others;
  }

  get sent() {
    return this.#pictures.sent;
  }

  /** The rows of what cannot be sent. */
  get unreadable() {
    const rows = [...this.#root.querySelectorAll("input")]
      .filter(({ validity }) => validity.badInput)
      .map(({ dataset }) => ({ field: dataset.path, message: "must be a number" }));
    this.#chosen.controls.forEach((entry, index) => {
      if (!entry.image && !this.#pictures.isSending(entry) && !this.#choices.unused(entry)) {
        rows.push({ field: `controls[${index}]`, message: "needs a picture" });
      }
    });
    return rows;
  }

  #render() {
    const focused = this.#root.contains(document.activeElement) ? document.activeElement.id : "";
    this.#shown = this.#facts();
    this.#cards = [];
    const groups = Object.entries(GROUPS).map(([name, group]) => this.#group(name, group));
    this.#root.replaceChildren(...groups.filter((group) => group !== null));
    if (focused) document.getElementById(focused)?.focus();
  }

  #group(name, { title, add, build, once }) {
    const entries = this.#chosen[name];
    const { kind, most = 1 } = { ...ADDONS[name], ...this.#limits[name] };
    if (!entries.length && !this.#fields.listed(name).length) return null;
    const cards = entries.map((entry, index) => build(entry, this.#context(name, entry, index)));
    this.#cards.push(...cards);
    const adding = button("next", add, () => this.#pick(name, most));
    adding.id = `add-${kind}`;
    adding.setAttribute("aria-label", add);
    adding.lastElementChild.textContent = name === "vae_id" ? "Choose" : "Add";
    adding.disabled = Boolean(once) && entries.length >= most;
    const list = make("ul", { className: "addons" }, ...cards);
    list.setAttribute("aria-label", title);
    list.hidden = cards.length === 0;
    const top = make("div", { className: "addons-top" }, make("h3", { textContent: title }), adding);
    return make("section", {}, top, list);
  }

  /** What the card of a choice needs. */
  #context(name, entry, index) {
    const addon = this.#choices.find(entry.model_id);
    const { kind } = ADDONS[name];
    return {
      id: `${kind}-${index}`,
      path: `${name}[${index}]`,
      addon,
      name: addon?.name ?? `model ${entry.model_id.slice(0, 10)}`,
      facts: factsOf(addon),
      unused: this.#choices.unused(entry),
      problem: this.#choices.problem(name, index),
      limits: this.#limits[name],
      canny: this.#limits.canny,
      preprocessors: this.#limits.preprocessors,
      pictures: this.#pictures,
      onChange: () => this.#write(name),
      onSent: () => this.#render(),
      onRemove: () => {
        this.#chosen[name].splice(index, 1);
        this.#write(name);
        this.#render();
        document.getElementById(`add-${kind}`)?.focus();
        announce(`${addon?.name ?? "The add-on"} is removed`);
      },
    };
  }

  #pick(name, most) {
    const { add, fresh, once } = GROUPS[name];
    pick({
      title: add,
      addons: this.#fields.listed(name),
      misfit: (addon) => misfit(addon, this.#fields.model),
      most: name === "vae_id" ? Infinity : most,
      once: once || name === "vae_id",
      chosen: () => this.#chosen[name].map(({ model_id: id }) => id),
      onChoose: (addon, on) => {
        const entries = this.#chosen[name];
        const others = entries.filter((entry) => entry.model_id !== addon.id);
        if (name === "vae_id") this.#chosen[name] = [fresh(addon)];
        else if (on) entries.push(fresh(addon));
        else this.#chosen[name] = others;
        this.#write(name);
        this.#render();
        announce(`${addon.name} is ${on ? "added" : "removed"}`);
      },
    });
  }

  #write(name) {
    this.#choices.changed(name);
    this.#fields.choose(name, this.#chosen[name]);
  }

  /** What the cards depend on, besides the values that a person edits in them. */
  #facts() {
    return JSON.stringify(
      Object.keys(ADDONS).map((name) => [
        this.#fields.listed(name).length > 0,
        this.#chosen[name].map((entry, index) => [
          entry.model_id,
          this.#choices.find(entry.model_id)?.trigger_words,
          this.#choices.unused(entry),
          this.#choices.problem(name, index),
        ]),
      ]),
    );
  }
}

function vaeCard(_entry, context) {
  return card(context, context.onRemove);
}

function freshControl({ id, name }) {
  const entry = { model_id: id, scale: 1, start: 0, end: 1 };
  return OUTLINES.test(name) ? { ...entry, preprocessor: "canny" } : entry;
}

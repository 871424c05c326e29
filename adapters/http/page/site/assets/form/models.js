// The list of models to choose from.

import { byId, make, say } from "../core/dom.js";
import { bytes, count } from "../core/format.js";
import { isAddon } from "./addons.js";

const SOON = 3_000; // while there is none, or one is being read
const SCHEDULES = ["Normal", "Karras", "Exponential", "SGM Uniform", "Simple", "Beta"];

/** The models of the service in the form's list, kept up to date. */
export class ModelPicker {
  #select = byId("model_id");
  #scheduler = byId("scheduler");
  #models = [];
  #listed = false; // whether the list was read
  #wanted = null; // chosen by a draft or earlier settings, perhaps not listed yet
  #wantedScheduler = "";
  #timer = null;
  #chosenId = ""; // that the form was told of
  /** Called with the chosen model when that is another, and whether a person chose it. */
  onChosen = () => {};
  /** Called when the list of models was read. */
  onListed = () => {};
  #api = null; // that the list comes from; null when nobody is signed in

  constructor() {
    this.#select.addEventListener("change", () => {
      this.#wanted = this.#select.value;
      this.#showChosen({ byHand: true });
    });
    this.#scheduler.addEventListener("change", () => {
      this.#wantedScheduler = this.#scheduler.value;
    });
  }

  get chosen() {
    return this.#models.find((model) => model.id === this.#select.value) ?? null;
  }

  /** The models that enlarge a picture. */
  get upscalers() {
    return this.#models.filter((model) => model.kind === "upscaler" && model.usable);
  }

  /** The LoRAs, embeddings, VAEs and ControlNets, those without use too; null until the list was read. */
  get addons() {
    return this.#listed ? this.#models.filter(isAddon) : null;
  }

  /** The model that a picture names by the first digits of its id, or else by its name; or null. */
  named(digits, name) {
    return named(this.#models.filter((model) => model.loadable), digits, name);
  }

  /** What people call the model of this id. */
  nameOf(id) {
    return this.#models.find((model) => model.id === id)?.name ?? `model ${id.slice(0, 10)}`;
  }

  /** Choose a model; false when there is none of this id to draw with now. */
  choose(id) {
    this.#wanted = id;
    const there = this.#models.some((model) => model.id === id && model.loadable);
    if (there) this.#select.value = id;
    this.#showChosen();
    return there;
  }

  /** Choose one of the model's schedulers; the model's own when it has no such. */
  chooseScheduler(name) {
    this.#wantedScheduler = name ?? "";
    this.#scheduler.value = this.#wantedScheduler;
    if (this.#scheduler.selectedIndex < 0) this.#scheduler.value = "";
  }

  /** Ask for the list, and soon again while it is about to change. */
  async refresh(api) {
    this.#api = api;
    clearTimeout(this.#timer);
    let moving = true;
    try {
      const { models, pending } = await api.models();
      this.#show(models, pending);
      moving = pending.length > 0 || !models.some((model) => model.loadable);
    } finally {
      if (moving && this.#api === api) {
        const again = () => this.refresh(api).catch(() => {});
        this.#timer = setTimeout(again, SOON);
      }
    }
  }

  /** Ask no more. */
  stop() {
    this.#api = null;
    clearTimeout(this.#timer);
  }

  #show(models, pending) {
    const kept = this.#wanted ?? this.#select.value;
    this.#models = models;
    this.#listed = true;
    const loadable = models.filter((model) => model.loadable);
    const parts = new Set(loadable.flatMap(({ members }) => (members ?? []).map(({ id }) => id)));
    // An add-on says in its own list why it cannot be used, and a file of a set is in use.
    const others = models.filter(
      (model) => !(model.loadable || model.usable || isAddon(model) || parts.has(model.id)),
    );
    this.#select.replaceChildren(...loadable.map((model) => option(model, "")));
    if (others.length) {
      const group = make("optgroup", { label: "Not to draw with" });
      group.append(...others.map((model) => option(model, model.reason, true)));
      this.#select.append(group);
    }
    if (loadable.some((model) => model.id === kept)) this.#select.value = kept;
    this.#select.disabled = loadable.length === 0;
    byId("no-model").hidden = loadable.length > 0;
    this.#showOthers(others, pending);
    this.#showChosen();
    this.onListed();
  }

  #showOthers(others, pending) {
    const rows = [
      ...pending.map((file) => [file.name, waitingFor(file)]),
      ...others.map((model) => [model.name, model.reason]),
    ];
    const details = byId("other-models");
    details.hidden = rows.length === 0;
    details.firstElementChild.textContent =
      pending.length && !others.length
        ? `${count(pending.length, "file")} being read`
        : `${count(rows.length, "file")} that cannot be drawn with`;
    details.lastElementChild.replaceChildren(
      ...rows.map(([name, reason]) =>
        make("li", {}, make("b", { textContent: name }), ` ${reason}`),
      ),
    );
  }

  #showChosen({ byHand = false } = {}) {
    const model = this.chosen;
    const vae = this.#models.find(({ id }) => id === model?.defaults?.vae_id);
    const facts = model && [
      describe(model),
      model.precision,
      model.id.slice(0, 10),
      beside(model),
      vae && `draws with ${vae.name}`,
    ];
    say(byId("model-facts"), facts ? facts.filter(Boolean).join(" · ") : "");
    const own = model?.default_scheduler;
    this.#scheduler.replaceChildren(
      make("option", { value: "", textContent: own ? `The model's own: ${own}` : "The model's own" }),
      ...bySampler(model?.schedulers ?? []),
    );
    this.chooseScheduler(this.#wantedScheduler);
    if (this.#chosenId === (model?.id ?? "")) return;
    this.#chosenId = model?.id ?? "";
    this.onChosen(model, { byHand });
  }
}

/** The other files of a model in several files. */
function beside(model) {
  const parts = new Set((model.members ?? []).map(({ name }) => name));
  parts.delete(model.name);
  return parts.size ? `with ${[...parts].join(", ")}` : "";
}

/** The one of these models with an id that begins with `digits`, or else of this name; or null. */
export function named(models, digits, name) {
  const stem = (model) => model.name.slice(0, model.name.length - model.extension.length);
  return (
    models.find(({ id }) => digits?.length >= 10 && id.startsWith(digits.toLowerCase())) ??
    models.find((model) => name && [model.name, stem(model)].includes(name)) ??
    null
  );
}

/** The options of schedulers, those of a sampler that has several together. */
function bySampler(names) {
  const samplers = new Map();
  for (const name of names) {
    const schedule = SCHEDULES.find((each) => name.endsWith(` ${each}`));
    const sampler = schedule ? name.slice(0, -schedule.length - 1) : name;
    samplers.set(sampler, [...(samplers.get(sampler) ?? []), name]);
  }
  return [...samplers].flatMap(([label, together]) => {
    const options = together.map((name) => make("option", { value: name, textContent: name }));
    return options.length > 1 ? make("optgroup", { label }, ...options) : options;
  });
}

function option(model, text, disabled = false) {
  return make("option", { value: model.id, textContent: [model.name, text].filter(Boolean).join(" – "), disabled });
}

function describe(model) {
  return [model.family, bytes(model.size)].filter(Boolean).join(" · ");
}

function waitingFor(file) {
  if (file.reason) return file.reason;
  if (file.state === "settling") return "is still being written";
  return `is being read, ${Math.floor((100 * file.hashed) / Math.max(file.size, 1))} %`;
}

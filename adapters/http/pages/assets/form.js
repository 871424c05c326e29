// The form: a control's name is the request's field, and its data-type says how it is read. What
// is wrong with a field the service says, which alone knows its bounds.

import { byId, say } from "./dom.js";

const DRAFT = "ai-inference.draft";

export class DrawingForm {
  #form = byId("drawing-form");
  #models;
  #seed;

  /** `onDraw` is called when the person wants a picture. */
  constructor(models, seed, onDraw) {
    this.#models = models;
    this.#seed = seed;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.busy) onDraw();
    });
    this.#form.addEventListener("input", (event) => this.#changed(event.target));
    this.#form.addEventListener("change", () => this.#settle());
    document.addEventListener("keydown", (event) => {
      const open = document.querySelector("dialog[open]") || byId("studio").hidden;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !open) {
        event.preventDefault();
        if (!this.busy) onDraw();
      }
    });
    byId("swap").addEventListener("click", () => {
      this.#setSize(byId("height").value, byId("width").value);
    });
    for (const chip of this.#form.querySelectorAll(".chip")) {
      chip.addEventListener("click", () => this.#setSize(chip.dataset.width, chip.dataset.height));
    }
    this.#restoreDraft();
    this.#settle();
  }

  /** While a request is being sent there is no other. The button keeps the focus. */
  set busy(busy) {
    byId("draw").setAttribute("aria-disabled", String(busy));
  }

  get busy() {
    return byId("draw").getAttribute("aria-disabled") === "true";
  }

  /** What is in a field that can not be read, as "1e" where a number should be. */
  get unreadable() {
    return this.#named()
      .filter((control) => control.validity.badInput)
      .map(({ name }) => ({ field: name, message: "must be a number" }));
  }

  /** Empty it for whoever comes next. */
  clear() {
    this.#form.reset();
    this.#seed.kept = false;
    this.#models.chooseScheduler("");
    this.showErrors([]);
    this.#settle();
    sessionStorage.removeItem(DRAFT);
  }

  /** What the form asks for; what is left empty is left to the service. */
  request() {
    this.#seed.beforeDrawing(Number(this.#checked("num_images")?.value ?? 1));
    const request = {};
    for (const control of this.#named()) {
      if (control.disabled || (control.type === "radio" && !control.checked)) continue;
      if (control.value !== "") request[control.name] = read(control);
    }
    // The service says what is wrong with an empty one.
    request.prompt ??= "";
    this.#keepDraft();
    return request;
  }

  /** Fill in the settings of an earlier request. `seed` is the picture's own. */
  fill(request, seed) {
    this.showErrors([]);
    for (const control of this.#named()) {
      if (control.name in request) write(control, request[control.name]);
    }
    this.#seed.keep(seed ?? request.seed);
    this.#models.chooseScheduler(request.scheduler);
    const there = this.#models.choose(request.model_id);
    byId("more").open = byId("more").open || Boolean(request.scheduler);
    this.#settle();
    this.#keepDraft();
    if (!there) {
      this.showErrors([{ field: "model_id", message: "of that picture is not there any more" }]);
    }
    byId("prompt").focus();
  }

  /** Show each of these beside its field; what has no field here, above the button. */
  showErrors(rows, general = "") {
    const homeless = [];
    for (const place of this.#form.querySelectorAll("[data-error]")) say(place, "");
    for (const control of this.#named()) control.removeAttribute("aria-invalid");
    let first = null;
    for (const { field, message } of rows) {
      const place = byId(`${field}-error`);
      const control = this.#checked(field);
      if (!place || !control) {
        homeless.push(`${field} ${message}`);
        continue;
      }
      say(place, `${labelOf(control)} ${message}`);
      control.setAttribute("aria-invalid", "true");
      const notes = [control.dataset.hint, place.id].filter(Boolean);
      control.setAttribute("aria-describedby", notes.join(" "));
      control.closest("details")?.setAttribute("open", "");
      first ??= control;
    }
    say(byId("form-error"), [general, ...homeless].filter(Boolean).join(" "));
    first?.focus();
  }

  #named() {
    return [...this.#form.elements].filter((control) => control.name);
  }

  /** The control of this name; of several, the chosen one. */
  #checked(name) {
    const controls = this.#named().filter((control) => control.name === name);
    return controls.find((control) => control.checked) ?? controls[0] ?? null;
  }

  #setSize(width, height) {
    write(byId("width"), width);
    write(byId("height"), height);
    this.#settle();
    this.#keepDraft();
  }

  #changed(control) {
    if (control.dataset.slider) byId(control.dataset.slider).value = control.value;
    this.#settle();
    this.#keepDraft();
  }

  /** Let what follows from the values show. */
  #settle() {
    for (const slider of this.#form.querySelectorAll("[data-slider]")) {
      slider.value = byId(slider.dataset.slider).value;
    }
    for (const chip of this.#form.querySelectorAll(".chip")) {
      const { width, height } = chip.dataset;
      const same = width === byId("width").value && height === byId("height").value;
      chip.setAttribute("aria-pressed", String(same));
    }
    for (const note of this.#form.querySelectorAll("[data-count]")) {
      const control = byId(note.dataset.count);
      const length = [...control.value].length;
      const most = Number(control.dataset.maximum);
      note.textContent = length > 0.8 * most ? `${length} of ${most} characters` : "";
      note.classList.toggle("over", length > most);
    }
    const format = byId("output_format").selectedOptions[0];
    const hasQuality = "hasQuality" in (format?.dataset ?? {});
    byId("quality").disabled = !hasQuality;
    byId("quality-field").hidden = !hasQuality;
  }

  #keepDraft() {
    const values = this.#named()
      .filter((control) => control.type !== "radio" || control.checked)
      .map((control) => [control.name, control.value]);
    const draft = { values: Object.fromEntries(values), seedKept: this.#seed.kept };
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  }

  #restoreDraft() {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
    if (!draft) return;
    for (const control of this.#named()) {
      if (control.name in draft.values) write(control, draft.values[control.name]);
    }
    if (draft.seedKept) this.#seed.keep(draft.values.seed);
    this.#models.chooseScheduler(draft.values.scheduler);
    this.#models.choose(draft.values.model_id);
  }
}

function read(control) {
  if (control.dataset.type === "integer" || control.dataset.type === "number") {
    return Number(control.value);
  }
  return control.value;
}

function write(control, value) {
  if (control.type === "radio") control.checked = control.value === String(value);
  else if (control.tagName === "SELECT" && value === null) control.selectedIndex = 0;
  else control.value = value ?? control.defaultValue;
}

function labelOf(control) {
  const label =
    control.type === "radio"
      ? control.closest("fieldset").querySelector("legend")
      : control.labels[0];
  return label?.firstChild.textContent.trim() ?? control.name;
}

// The form. The name of a control is the field of the request, and its data-type says how it is read.
// The service checks the values: only the service knows the bounds.

import { byId, say } from "../core/dom.js";
import { roughly } from "../core/format.js";
import { remembersOnDevice } from "../session/session.js";
import { unfoldSettings } from "../work/views.js";
import { AddonFields } from "./addons.js";
import { DefaultFields } from "./defaults.js";
import { forgetWords, keepDraft, keptDraft } from "./draft.js";
import { LargerFields } from "./larger.js";
import { SizeFields } from "./sizes.js";
import { StartField } from "./start.js";
import { SyntaxField } from "./syntax.js";
import { fieldOf, isLeftOut, labelOf, read, setField, textOf, write } from "./values.js";

export class DrawingForm {
  #form = byId("drawing-form");
  #models;
  #seed;
  #estimates;
  #drafted = false; // whether the size is somebody's choice, or a model's own
  #defaults = new DefaultFields();
  #sizes = new SizeFields(() => this.#edited());
  #larger = new LargerFields();
  #addons = new AddonFields(() => this.#edited());
  #syntax = new SyntaxField();
  /** The picture that the drawing starts from. */
  start;

  /** `onDraw` is called when the person wants a picture. */
  constructor(models, seed, estimates, onDraw) {
    this.#models = models;
    this.#seed = seed;
    this.#estimates = estimates;
    this.start = new StartField({
      models,
      onChange: () => this.#edited(),
      onSize: (picture, how) => this.#sizes.follow(picture, how),
      onSettings: (settings) => this.#use(settings),
    });
    const draw = () => {
      if (!this.busy) onDraw();
    };
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      draw();
    });
    this.#form.addEventListener("input", ({ target }) => {
      if (target.dataset.slider) byId(target.dataset.slider).value = target.value;
      this.#edited();
    });
    this.#form.addEventListener("change", () => this.#edited());
    document.addEventListener("keydown", (event) => {
      const studio = document.documentElement.dataset.page === "studio";
      const elsewhere = !studio || document.querySelector("dialog[open]");
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !elsewhere) {
        event.preventDefault();
        draw();
      }
    });
    models.onChosen = (model, { byHand }) => {
      if (byHand || !this.#drafted) {
        this.#sizes.takeNative(model);
        this.#defaults.take(model);
      } else {
        this.#defaults.note(model);
      }
      this.#drafted = true;
      this.#sizes.offer(model);
      this.#offer(model);
      this.#edited();
    };
    models.onListed = () => this.#offer(models.chosen);
    this.#restoreDraft();
    this.#sizes.offer(null);
    this.#settle();
  }

  /** While a request is being sent there is no other. The button keeps the focus. */
  set busy(busy) {
    byId("draw").setAttribute("aria-disabled", String(busy));
  }

  get busy() {
    return byId("draw").getAttribute("aria-disabled") === "true";
  }

  /** What is in a field that cannot be read, as "1e" where a number should be. */
  get unreadable() {
    const own = this.#named()
      .filter((control) => control.validity.badInput)
      .map(({ name }) => ({ field: name, message: "must be a number" }));
    return [...own, ...this.#addons.unreadable];
  }

  /** Empty it of what was written, for whoever comes next. */
  clear() {
    forgetWords();
    byId("prompt").value = "";
    byId("negative_prompt").value = "";
    byId("seed").value = "";
    this.#seed.kept = false;
    this.start.remove();
    this.#addons.clear();
    this.showErrors([]);
    this.#settle();
  }

  /** Show and send pictures with the credential of `api` from now on. */
  use(api) {
    this.start.use(api);
    this.#addons.use(api);
  }

  /** Resolves once the service has the pictures of the form; false when it does not take one. */
  async sent() {
    const [start, addons] = await Promise.all([this.start.sent(), this.#addons.sent()]);
    return start && addons;
  }

  /** What the form asks for; what is left empty is left to the service. */
  request() {
    this.#seed.beforeDrawing(Number(this.#checked("num_images")?.value ?? 1));
    this.#keepDraft();
    const request = this.#asked();
    // The service says what is wrong with an empty one.
    request.prompt ??= "";
    return request;
  }

  /** Bring the picture to start from into view. */
  lookAtStart() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    byId("source").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "nearest" });
    byId("prompt").focus({ preventScroll: true });
  }

  /** Fill in a prompt, and nothing else. */
  say(prompt) {
    byId("prompt").value = prompt;
    this.#edited();
  }

  /** Fill in the settings of an earlier request. `seed` is the picture's own. */
  fill(request, seed) {
    this.showErrors([]);
    for (const control of this.#named()) {
      const value = fieldOf(request, control.name);
      // A request without a part was drawn without it.
      if (value !== undefined || control.closest("[data-part]")) write(control, value ?? null);
    }
    this.start.show();
    this.#addons.show();
    this.#seed.keep(seed ?? request.seed);
    this.#models.chooseScheduler(request.scheduler);
    const there = this.#models.choose(request.model_id);
    this.#sizes.offer(this.#models.chosen);
    this.#edited();
    this.#offer(this.#models.chosen);
    const missing = this.#larger.missing;
    if (!there) missing.push({ field: "model_id", message: "of that picture is not there any more" });
    if (missing.length) this.showErrors(missing);
    byId("prompt").focus();
  }

  /** Show each of these beside its field; what has no field here, above the button. */
  showErrors(rows, general = "") {
    const homeless = [];
    for (const place of this.#form.querySelectorAll("[data-error]")) say(place, "");
    for (const control of this.#named()) control.removeAttribute("aria-invalid");
    let first = null;
    for (const { field, message } of this.#addons.showErrors(rows)) {
      const name = this.#nameOf(field);
      const place = byId(`${name}-error`);
      const control = this.#checked(name);
      if (!place || !control) {
        homeless.push(`${field} ${message}`);
        continue;
      }
      say(place, `${labelOf(control)} ${message}`);
      control.setAttribute("aria-invalid", "true");
      const notes = [control.dataset.hint, place.id].filter(Boolean);
      control.setAttribute("aria-describedby", notes.join(" "));
      control.closest("details")?.setAttribute("open", "");
      if (control.closest("#settings")) unfoldSettings(true);
      first ??= byId(control.dataset.focus) ?? control;
    }
    say(byId("form-error"), [general, ...homeless].filter(Boolean).join(" "));
    first?.focus();
  }

  /** Show how long a drawing with these settings takes. */
  showEstimate() {
    const seconds = this.#estimates.seconds({ num_images: 1, ...this.#asked() });
    byId("estimate").textContent = seconds === null ? "" : `about ${roughly(seconds)}`;
  }

  /** Use the settings that a picture carries. Fields that are not named there stay. */
  #use(settings) {
    this.showErrors([]);
    for (const control of this.#named()) {
      const value = fieldOf(settings, control.name);
      // If the settings name no second pass and no LoRA, the picture had none.
      if (value !== undefined || control.closest("[data-told]")) write(control, value ?? null);
    }
    this.#addons.show();
    if (settings.seed !== undefined) this.#seed.keep(settings.seed);
    if (settings.model_id !== undefined) this.#models.choose(settings.model_id);
    if (settings.scheduler !== undefined) this.#models.chooseScheduler(settings.scheduler);
    this.#sizes.offer(this.#models.chosen);
    this.#edited();
    byId("prompt").focus();
  }

  #offer(model) {
    this.start.offer(model);
    this.#larger.offer(model, this.#models.upscalers);
    this.#addons.offer(model, this.#models.addons);
  }

  #asked() {
    const request = {};
    for (const control of this.#named()) {
      // A control in a disabled fieldset is not disabled by itself.
      if (control.matches(":disabled") || control.dataset.type === "switch") continue;
      if (isLeftOut(control)) continue;
      if (control.value !== "") setField(request, control.name, read(control));
    }
    return this.#addons.restrict(request);
  }

  #named() {
    return [...this.#form.elements].filter((control) => control.name);
  }

  /** The name of the control for a field: that of `init_image.id` is `init_image`. */
  #nameOf(field) {
    const parent = field.replace(/\.[^.]*$/, "");
    return this.#checked(field) ? field : parent;
  }

  /** The control of this name; of several, the chosen one. */
  #checked(name) {
    const controls = this.#named().filter((control) => control.name === name);
    return controls.find((control) => control.checked) ?? controls[0] ?? null;
  }

  #edited() {
    this.#settle();
    this.#keepDraft();
  }

  /** Let what follows from the values show. */
  #settle() {
    for (const slider of this.#form.querySelectorAll("[data-slider]")) {
      slider.value = byId(slider.dataset.slider).value;
    }
    this.start.settle();
    this.#larger.settle();
    this.#addons.settle();
    this.#syntax.settle();
    this.#sizes.settle();
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
    const scheduler = byId("scheduler").value;
    byId("settings-now").textContent = [
      `${byId("num_inference_steps").value} steps`,
      `guidance ${byId("guidance_scale").value}`,
      scheduler,
      format?.textContent,
    ]
      .filter(Boolean)
      .join(" · ");
    this.showEstimate();
  }

  #keepDraft() {
    const values = this.#named()
      .filter((control) => control.type !== "radio" || control.checked)
      .map((control) => [control.name, textOf(control)]);
    const asked = { seedKept: this.#seed.kept, onDevice: remembersOnDevice() };
    keepDraft(Object.fromEntries(values), asked);
  }

  #restoreDraft() {
    const draft = keptDraft();
    if (!draft) return;
    this.#drafted = true;
    for (const control of this.#named()) {
      if (control.name in draft.values) write(control, draft.values[control.name]);
    }
    this.start.show();
    this.#addons.show();
    if (draft.seedKept) this.#seed.keep(draft.values.seed);
    this.#models.chooseScheduler(draft.values.scheduler);
    this.#models.choose(draft.values.model_id);
  }
}

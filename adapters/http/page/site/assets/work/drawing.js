// What is drawn: sending requests, following a job to its end, and what the stage shows of it.

import { announce, byId } from "../core/dom.js";
import { follow } from "../core/events.js";
import { count } from "../core/format.js";
import { insist, newId } from "../core/submit.js";
import { title, titleUntilSeen } from "../core/title.js";
import { bringStageIntoView } from "./views.js";

export class Drawing {
  #stage;
  #form;
  #gallery;
  #api = null;
  #report;
  #connected;
  #looking = new AbortController(); // at what is on the stage
  #sending = new AbortController(); // what is not accepted yet
  #followedId = null;
  #pinned = false; // whether a person has put an earlier job on the stage

  /** `report(error)` shows what went wrong, `connected(whether)` how the service is reached. */
  constructor(stage, form, gallery, { report, connected }) {
    this.#stage = stage;
    this.#form = form;
    this.#gallery = gallery;
    this.#report = report;
    this.#connected = connected;
  }

  /** Draw for the caller of `api` from now on; for nobody when that is null. */
  use(api) {
    this.#api = api;
    this.#sending.abort();
    this.#look();
    this.#pinned = false;
    this.#stage.use(api);
  }

  /** The id of the job whose events are listened to. */
  get followedId() {
    return this.#followedId;
  }

  /** Draw what the form asks for. */
  async draw() {
    const form = this.#form;
    if (form.busy) return;
    const { unreadable } = form;
    form.showErrors(unreadable);
    if (unreadable.length) return;
    form.busy = true;
    let sent = false;
    try {
      sent = await form.sent();
    } finally {
      form.busy = false;
    }
    // If the service refused the picture, the form says why. Nothing is drawn without it.
    if (sent) await this.send(form.request());
  }

  /** Draw what `request` asks for; its faults are shown at the form. */
  async send(request) {
    if (this.#form.busy) return;
    const error = await this.#submit({ id: newId(), ...request }, "submit");
    if (!error) return;
    const fields = error.fields ?? [];
    this.#form.showErrors(fields, fields.length ? "" : error.message);
  }

  /** Enlarge a picture; what is wrong with the request, or null once it is accepted. */
  async upscale(request) {
    const error = await this.#submit({ id: newId(), ...request }, "upscale");
    if (!error) return null;
    const rows = (error.fields ?? []).map(({ field, message }) => `${field} ${message}`);
    return rows.join(". ") || error.message;
  }

  /** Submit `body` by this method of the API; the error when it is refused, or null. */
  async #submit(body, method) {
    if (this.#form.busy) return new Error("Another request is being sent. Try again in a moment.");
    this.#sending = new AbortController();
    const { signal } = this.#sending;
    const api = this.#api;
    this.#form.busy = true;
    let waits = false;
    const onWait = (reason, seconds) => {
      if (!waits) this.#showSending(body);
      waits = true;
      this.#stage.wait(reason, `Trying again by itself in ${seconds} s`);
    };
    try {
      const job = await insist(() => api[method](body, signal), { onWait, signal });
      this.#gallery.update(job);
      this.#pinned = false;
      this.#show(job);
      bringStageIntoView();
      return null;
    } catch (error) {
      if (waits && api === this.#api) this.#stage.clear();
      return signal.aborted ? null : error;
    } finally {
      this.#form.busy = false;
    }
  }

  /** Put the job on the stage that a person wants to look at. */
  open(job) {
    this.#pinned = job.id !== this.#gallery.newest?.id;
    bringStageIntoView();
    byId("stage").focus({ preventScroll: true });
    this.#show(job);
  }

  /** Show the newest drawing, unless a person looks at an earlier one. */
  showNewest() {
    const [going] = this.#gallery.unfinished;
    const job = this.#stage.job === null ? (going ?? this.#gallery.newest) : this.#gallery.newest;
    if (!job || this.#pinned || this.#stage.busy || job.id === this.#stage.job?.id) return;
    this.#show(job);
  }

  /** Show something else where these jobs were shown, which are gone. */
  removed(ids) {
    if (!ids.includes(this.#stage.job?.id)) return;
    this.#look();
    this.#pinned = false;
    this.#stage.clear();
    this.showNewest();
  }

  async cancel(job) {
    try {
      const left = await this.#api.cancel(job.id);
      if (left.finished_at) return; // whoever follows it hears of it
      this.#stage.wait("Stopping", "before the next step");
    } catch (error) {
      this.#report(error);
    }
  }

  #showSending(body) {
    this.#look();
    const api = this.#api;
    this.#stage.sending(body, () => {
      this.#sending.abort();
      // It may have been accepted just now.
      api.cancel(body.id).then((job) => this.#gallery.update(job), () => {});
    });
    bringStageIntoView();
  }

  async #show(job) {
    const signal = this.#look();
    this.#stage.show(job);
    this.#gallery.mark(job.id);
    if (job.finished_at) return;
    try {
      await this.#followed(job, signal);
    } catch (error) {
      if (!signal.aborted) this.#report(error);
    }
  }

  async #followed(job, signal) {
    let now = job;
    const show = () => {
      const { step = 0, steps = 1 } = now.progress ?? {};
      const drawn = `${Math.floor((100 * step) / steps)} %`;
      title(now.status === "running" ? drawn : "Waiting");
      this.#stage.show(now);
    };
    const onEvent = (name, data) => {
      if (name === "preview") return this.#stage.preview(data);
      now = name === "progress" ? { ...now, status: "running", progress: data } : data;
      show();
      this.#gallery.update(now);
    };
    show();
    this.#followedId = job.id;
    const onConnection = (connected) => this.#connected(connected);
    const done = await follow(this.#api, job.id, { onEvent, onConnection, signal });
    titleUntilSeen("Done");
    this.#followedId = null;
    this.#gallery.update(done);
    this.#stage.show(done);
    const number = done.images?.length ?? 0;
    announce(number ? `Finished: ${count(number, "picture")}` : `The drawing has ${done.status}`);
  }

  /** Stop looking at what was on the stage. */
  #look() {
    this.#looking.abort();
    this.#looking = new AbortController();
    this.#followedId = null;
    title("");
    this.#gallery.mark(null);
    return this.#looking.signal;
  }
}

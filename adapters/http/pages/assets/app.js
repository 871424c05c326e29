// Puts the page together.

import { Api, Unreachable } from "./api.js";
import { announce, byId, pause, say } from "./dom.js";
import { follow } from "./events.js";
import { DrawingForm } from "./form.js";
import { count } from "./format.js";
import { History } from "./history.js";
import { ModelPicker } from "./models.js";
import { SeedField } from "./seed.js";
import { complain, forgetKey, installSignIn, rememberedKey } from "./session.js";
import { Stage } from "./stage.js";
import { newId, submit } from "./submit.js";
import { Viewer } from "./viewer.js";

const TITLE = document.title;
const LOOK_AGAIN = 3_000; // at jobs that go on and are not followed

let api = null;
let looking = new AbortController(); // at what is on the stage
let followedId = null;
let sending = new AbortController(); // what is not accepted yet
let signedIn = new AbortController();

const models = new ModelPicker();
const form = new DrawingForm(models, new SeedField(), draw);
const stage = new Stage(models, new Viewer(), { cancel, reuse: (...asked) => form.fill(...asked) });
const history = new History(open);

installSignIn((key) => {
  enter(key);
  byId("prompt").focus();
});
byId("sign-out").addEventListener("click", () => {
  form.clear();
  leave("");
});
window.addEventListener("focus", () => api && refresh().catch(report));
const remembered = rememberedKey();
if (remembered) enter(remembered);
else leave("");

/** Begin with this credential. */
async function enter(key) {
  signedIn = new AbortController();
  const { signal } = signedIn;
  api = new Api(key, () => {
    if (!signal.aborted) leave("This key is no longer accepted. Sign in again.");
  });
  stage.use(api);
  history.use(api);
  show("studio");
  for (let connected = false; !connected && !signal.aborted; ) {
    try {
      await refresh();
      connected = true;
    } catch (error) {
      report(error);
      if (signal.aborted || !(error instanceof Unreachable || error.status >= 500)) return;
      await pause(LOOK_AGAIN, signal).catch(() => {});
    }
  }
  if (signal.aborted) return;
  // After a reload: what goes on, or else what came last.
  const job = history.unfinished[0] ?? history.newest;
  if (job && stage.empty) open(job, { quietly: true });
  watchOthers(signal);
}

/** Back to where a credential is asked for; what the form holds stays. */
function leave(reason) {
  forgetKey();
  signedIn.abort();
  looking.abort();
  sending.abort();
  models.stop();
  api = null;
  stage.use(null);
  history.use(null);
  connection(true);
  document.title = TITLE;
  show("sign-in");
  complain(reason);
  byId("key").focus();
}

function show(name) {
  for (const id of ["sign-in", "studio"]) byId(id).hidden = id !== name;
  byId("sign-out").hidden = name !== "studio";
}

async function refresh() {
  await Promise.all([models.refresh(api), refreshHistory()]);
}

async function refreshHistory() {
  await history.refresh();
  connection(true);
  say(byId("history-error"), "");
}

/** Look at jobs that nobody follows, until they end. */
async function watchOthers(signal) {
  while (!signal.aborted) {
    await pause(LOOK_AGAIN, signal).catch(() => {});
    const others = history.unfinished.filter(({ id }) => id !== followedId);
    if (signal.aborted || document.hidden || !others.length) continue;
    await refreshHistory().catch(report);
  }
}

async function draw() {
  form.showErrors(form.unreadable);
  if (form.unreadable.length) return;
  const body = { id: newId(), ...form.request() };
  sending = new AbortController();
  const { signal } = sending;
  form.busy = true;
  let waits = false;
  const onWait = (reason, seconds) => {
    if (!waits) {
      look();
      stage.sending(body, () => {
        sending.abort();
        // It may have been accepted just now.
        api.cancel(body.id).then((job) => history.update(job), () => {});
      });
      bringIntoView();
    }
    waits = true;
    stage.wait(reason, `Trying again by itself in ${seconds} s`);
  };
  try {
    const job = await submit(api, body, { onWait, signal });
    history.update(job);
    open(job, { quietly: true });
    bringIntoView();
  } catch (error) {
    if (waits && api) stage.use(api);
    if (signal.aborted) return;
    const fields = error.fields ?? [];
    form.showErrors(fields, fields.length ? "" : error.message);
  } finally {
    form.busy = false;
  }
}

/** Put a job on the stage. */
async function open(job, { quietly = false } = {}) {
  const signal = look();
  if (!quietly) {
    bringIntoView();
    byId("stage").focus({ preventScroll: true });
  }
  try {
    await followed(job, signal);
  } catch (error) {
    if (!signal.aborted) report(error);
  }
}

async function followed(job, signal) {
  stage.show(job);
  history.mark(job.id);
  if (job.finished_at) return;
  let now = job;
  const onEvent = (name, data) => {
    if (name === "preview") return stage.preview(data);
    if (name === "progress") {
      document.title = `${Math.floor((100 * data.step) / data.steps)} % · ${TITLE}`;
    }
    now = name === "progress" ? { ...now, status: "running", progress: data } : data;
    stage.show(now);
    history.update(now);
  };
  followedId = job.id;
  const done = await follow(api, job.id, { onEvent, onConnection: connection, signal });
  document.title = TITLE;
  history.update(done);
  stage.show(done);
  const number = done.images?.length ?? 0;
  announce(number ? `Finished: ${count(number, "picture")}` : `The drawing has ${done.status}`);
}

async function cancel(job) {
  try {
    const left = await api.cancel(job.id);
    if (left.finished_at) return; // who follows it hears of it
    stage.wait("Stopping", "before the next step");
  } catch (error) {
    report(error);
  }
}

/** Stop looking at what was on the stage. */
function look() {
  looking.abort();
  looking = new AbortController();
  followedId = null;
  document.title = TITLE;
  history.mark(null);
  return looking.signal;
}

function connection(connected) {
  say(byId("connection"), connected ? "" : "No connection to the service; trying again …");
}

function report(error) {
  if (error instanceof Unreachable) connection(false);
  else if (error.name !== "AbortError") say(byId("history-error"), error.message);
}

/** Scroll to the stage where it is not in sight, as on a phone. */
function bringIntoView() {
  const { top } = byId("stage").getBoundingClientRect();
  if (top >= 0 && top < innerHeight / 3) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId("stage").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}

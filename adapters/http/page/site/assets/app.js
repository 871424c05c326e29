// Puts the page together.

import { Api, Unreachable } from "./core/api.js";
import { byId, pause, say } from "./core/dom.js";
import { count } from "./core/format.js";
import { Notices } from "./core/notices.js";
import { varied } from "./core/requests.js";
import { installTheme } from "./core/theme.js";
import { title } from "./core/title.js";
import { Estimates } from "./form/estimate.js";
import { DrawingForm } from "./form/form.js";
import { ModelPicker } from "./form/models.js";
import { SeedField } from "./form/seed.js";
import { confirmed, failedJobs, forgetAll, installConfirm } from "./gallery/deletion.js";
import { Favourites } from "./gallery/favourites.js";
import { Gallery } from "./gallery/gallery.js";
import { complain, forgetKey, installSignIn, linkKey, rememberedKey, signIn } from "./session/session.js";
import { Stage } from "./stage/stage.js";
import { Viewer } from "./viewer/viewer.js";
import { Drawing } from "./work/drawing.js";
import { PictureActions } from "./work/pictures.js";
import { installViews, turnTo } from "./work/views.js";

const SOON = 3_000; // until what goes on, or is broken, is looked at again
const LATER = 10_000; // until what other clients draw is looked for

let api = null;
let signedIn = new AbortController();
let broken = false; // whether the last call did not come through

const notices = new Notices();
const favourites = new Favourites();
const estimates = new Estimates();
const models = new ModelPicker();
const actions = {
  open: (job) => drawing.open(job),
  cancel: (job) => drawing.cancel(job),
  reuse: (...asked) => {
    turnTo("create");
    form.fill(...asked);
  },
  vary: (job, seed) => drawing.send(varied(job, seed)),
  draw: (prompt) => {
    form.say(prompt);
    drawing.draw();
  },
  enlarge: (job, number) => viewer.open(job, number),
  start: (job, number) => pictures.start(job, number),
  upscale: (job, number) => pictures.upscale(job, number),
  compare: (job, number) => pictures.compare(job, number),
  unfinished: () => gallery.unfinished,
  learn: (job) => estimates.learn(job),
  remove,
};
const form = new DrawingForm(models, new SeedField(), estimates, () => drawing.draw());
const gallery = new Gallery(favourites, actions);
const stage = new Stage(models, estimates, favourites, actions);
const viewer = new Viewer(gallery, favourites, actions);
const drawing = new Drawing(stage, form, gallery, { report, connected });
const pictures = new PictureActions(form, models, drawing, report);

installTheme();
installConfirm();
installSignIn(enter);
byId("sign-out").addEventListener("click", () => {
  forgetKey();
  form.clear();
  leave("");
});
byId("delete-failed").addEventListener("click", removeFailed);
installViews();
for (const event of ["focus", "online"]) {
  window.addEventListener(event, () => api && refresh().catch(report));
}
begin();

async function begin() {
  const link = linkKey();
  if (link !== null) {
    const wrong = "The key of this link is not accepted.";
    if (await signIn(link, enter, wrong)) return;
    byId("key").value = link; // to be tried again, where only the service was away
    leave(byId("key-error").textContent);
    return;
  }
  const remembered = rememberedKey();
  if (remembered) enter(remembered, { quietly: true });
  else leave("");
}

/** Begin with this credential. */
async function enter(key, { quietly = false } = {}) {
  signedIn = new AbortController();
  const { signal } = signedIn;
  api = new Api(key, () => {
    if (signal.aborted) return;
    forgetKey();
    leave("This key is no longer accepted. Sign in again.");
  });
  for (const each of [form, gallery, drawing, viewer, pictures]) each.use(api);
  show("studio");
  if (!quietly) byId("prompt").focus();
  while (!signal.aborted) {
    await refresh().catch(report);
    form.showEstimate();
    const going = gallery.unfinished.some(({ id }) => id !== drawing.followedId);
    await pause(broken || going ? SOON : LATER, signal).catch(() => {});
    while (document.hidden && !signal.aborted) await pause(SOON, signal).catch(() => {});
  }
}

/** Back to where a credential is asked for; what the form holds stays. */
function leave(reason) {
  signedIn.abort();
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  models.stop();
  api = null;
  for (const each of [form, gallery, drawing, viewer, pictures]) each.use(null);
  estimates.clear();
  notices.clearAll();
  title("");
  show("sign-in");
  complain(reason);
  byId("key").focus();
}

function show(page) {
  document.documentElement.dataset.page = page;
}

async function refresh() {
  const before = models.chosen?.id;
  await Promise.all([models.refresh(api), gallery.refresh()]);
  connected(true);
  notices.clear("service");
  stage.mend();
  if (before !== models.chosen?.id) stage.modelChanged();
  drawing.showNewest();
}

/** Delete these jobs when a person says yes; whether that was done. */
async function remove(jobs) {
  const pictures = jobs.reduce((sum, job) => sum + (job.images?.length ?? 0), 0);
  const what = jobs.length === 1 && pictures === 1 ? "this picture" : count(jobs.length, "drawing");
  const detail = pictures ? `${count(pictures, "picture")} will be gone for good.` : "There are no pictures to lose.";
  if (!(await confirmed(`Delete ${what}?`, detail))) return false;
  const gone = await forgetAll(api, jobs);
  gallery.remove(gone);
  drawing.removed(gone);
  return gone.length > 0;
}

async function removeFailed() {
  try {
    const jobs = await failedJobs(api);
    say(byId("history-error"), jobs.length ? "" : "Nothing has failed.");
    if (jobs.length) await remove(jobs);
  } catch (error) {
    report(error);
  }
}

function connected(there) {
  broken = !there;
  if (there) notices.clear("connection");
  else notices.say("connection", "No connection to the service. Trying again …");
}

/** Say what went wrong; it is taken back once the service answers again. */
function report(error) {
  if (error.name === "AbortError" || api === null) return;
  if (error instanceof Unreachable) return connected(false);
  broken = true;
  notices.clear("connection");
  notices.say("service", error.message);
}

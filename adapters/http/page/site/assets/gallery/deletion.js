// Deleting jobs and their pictures, once a person has said yes.

import { byId, say } from "../core/dom.js";
import { count } from "../core/format.js";

const AT_ONCE = 4;
const PAGE = 100;

/** Ask whether to delete so many; the answer. */
export function confirmed(question, detail) {
  const dialog = byId("confirm");
  byId("confirm-question").textContent = question;
  byId("confirm-detail").textContent = detail;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Answer the dialog with its buttons; forms are not sent here. */
export function installConfirm() {
  const dialog = byId("confirm");
  for (const answer of ["yes", "no"]) {
    byId(`confirm-${answer}`).addEventListener("click", () => dialog.close(answer));
  }
}

/**
 * Delete these jobs; the ids of those that are gone.
 *
 * What the service says of one that cannot be deleted is shown, and the others are deleted.
 */
export async function forgetAll(api, jobs) {
  const left = [...jobs];
  const gone = [];
  const problems = [];
  const work = async () => {
    for (let job = left.pop(); job; job = left.pop()) {
      try {
        // One that is still on its way is stopped; then it can be deleted too.
        if (!job.finished_at) await stopped(api, job);
        await api.forget(job.id);
        gone.push(job.id);
      } catch (error) {
        problems.push(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const [first] = problems;
  const text = problems.length > 1 ? `${count(problems.length, "drawing")} could not be deleted. ` : "";
  say(byId("history-error"), first ? `${text}${first}` : "");
  return gone;
}

/** Every job of the caller that failed or was cancelled. */
export async function failedJobs(api) {
  const found = [];
  for (const status of ["failed", "cancelled"]) {
    let cursor = null;
    do {
      const page = await api.jobs({ status, cursor, limit: PAGE });
      found.push(...page.jobs);
      cursor = page.next_cursor;
    } while (cursor !== null);
  }
  return found;
}

async function stopped(api, job) {
  const now = await api.cancel(job.id);
  if (!now.finished_at) throw new Error("The drawing is being stopped. Delete it once it has stopped.");
}

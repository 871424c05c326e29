// Who is there: the credential, kept while the tab is open, or on this device where a person says so.

import { Api } from "../core/api.js";
import { byId, say } from "../core/dom.js";
import { device, tab } from "../core/store.js";

const NAME = "key";

export const rememberedKey = () => tab.readText(NAME) ?? device.readText(NAME);

export function forgetKey() {
  tab.remove(NAME);
  device.remove(NAME);
}

function remember(key) {
  const where = byId("remember").checked ? device : tab;
  forgetKey();
  where.writeText(NAME, key);
}

/** Whether the key is kept on this device. */
export const remembersOnDevice = () => device.readText(NAME) !== null;

/** The key of a sign-in link (`#key=…`), once: the script at the top took it out of the address. */
export function linkKey() {
  const key = globalThis.signInLink ?? null;
  delete globalThis.signInLink;
  return key;
}

/** Ask for a credential with which `onSignedIn` is then called. */
export function installSignIn(onSignedIn) {
  const input = byId("key");
  byId("remember").checked = remembersOnDevice();
  byId("sign-in-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (!key) return complain("Enter an API key or a token.");
    complain("");
    if (await signIn(key, onSignedIn)) input.value = "";
  });
  // A link that is pasted into the address of this tab loads no page.
  window.addEventListener("hashchange", () => {
    if (location.hash.startsWith("#key=")) location.reload();
  });
}

/** Enter with this key if it is good, or say what is wrong with it; whether it was. */
export async function signIn(key, onSignedIn, wrong = "This key is not accepted.") {
  try {
    await check(key);
  } catch (error) {
    complain(reasonOf(error, wrong));
    return false;
  }
  remember(key);
  onSignedIn(key);
  return true;
}

/** Show what is wrong with the credential; nothing when `text` is empty. */
export function complain(text) {
  const input = byId("key");
  say(byId("key-error"), text);
  input.setAttribute("aria-invalid", String(Boolean(text)));
  if (text) input.select();
}

/** Throws unless `key` may list models and jobs, which is all that this page needs. */
async function check(key) {
  // What a header cannot carry, fetch would refuse with a message about headers.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new Error("A key has only letters, digits and signs of ASCII, and no spaces.");
  }
  const api = new Api(key);
  await Promise.all([api.models(), api.jobs({ limit: 1 })]);
}

function reasonOf(error, wrong) {
  if (error.status === 401) return `${wrong} Check it for a missing character.`;
  if (error.status === 403) return `This token is good, but not for this page: ${error.message}`;
  return error.message;
}

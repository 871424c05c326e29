// Who is there: the credential, asked for once and kept while the tab is open.

import { Api } from "./api.js";
import { byId, say } from "./dom.js";

const NAME = "ai-inference.key";

export const rememberedKey = () => sessionStorage.getItem(NAME);
export const forgetKey = () => sessionStorage.removeItem(NAME);

/** Ask for a credential with which `onSignedIn` is then called. */
export function installSignIn(onSignedIn) {
  const input = byId("key");
  byId("sign-in-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (!key) return complain("Enter an API key or a token.");
    complain("");
    try {
      await check(key);
    } catch (error) {
      return complain(reasonOf(error));
    }
    sessionStorage.setItem(NAME, key);
    input.value = "";
    onSignedIn(key);
  });
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
  // What a header can not carry, fetch would refuse with a message about headers.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new Error("A key holds no blanks and no such characters.");
  const api = new Api(key);
  await api.models();
  await api.jobs({ limit: 1 });
}

function reasonOf(error) {
  if (error.status === 401) return "This key is not accepted. Check it for a missing character.";
  if (error.status === 403) return `This token is good, but not for this page: ${error.message}`;
  return error.message;
}

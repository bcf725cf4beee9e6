// The frame that `framed.js` puts into a page of another origin: the panel, for whom a token of that page names.

import { isComposing } from "./keys.js";
import { show } from "./panel.js";

const TOKEN_WITHIN = 10_000;

const base = new URL("../", import.meta.url);
const asked = new URLSearchParams(location.search);
const { origins } = JSON.parse(document.querySelector("#embed-boot").textContent);
const allowed = (origin) => origins.includes("*") || origins.includes(origin) || origin === location.origin;

let host = null; // the page around us, once it has spoken
let login = null; // where one logs in there
let focused = false;
let answered = () => {};

const tell = (message) => parent.postMessage(message, host ?? "*"); // nothing of it is secret

/** A token of the page around us: null if it has none for whoever is there, undefined if it leaves that to the cookie. */
function token() {
  tell({ type: "token" });
  return new Promise((done) => {
    answered = done;
    setTimeout(done, TOKEN_WITHIN, null);
  });
}

const answers = {
  token(data) {
    if (/^https?:/.test(data.login)) login = data.login;
    answered(data.token);
  },
  focus: (data) => { focused = data.focused; },
};
addEventListener("message", ({ source, origin, data }) => {
  if (source !== parent || !allowed(origin)) return;
  host ??= origin;
  if (origin === host) answers[data?.type]?.(data);
});
addEventListener("blur", () => tell({ type: "look" }));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !isComposing(event)) tell({ type: "close" });
});
if (asked.get("theme")) document.documentElement.dataset.theme = asked.get("theme");

const panel = await show(document.querySelector("#panel"), {
  base,
  room: asked.get("room"),
  lang: document.documentElement.lang.slice(0, 2),
  login: () => login,
  tokens: token,
  focused: () => focused || document.hasFocus(),
  unread: (count) => tell({ type: "unread", count }),
  close: () => tell({ type: "close" }),
});
Object.assign(answers, {
  focus(data) {
    focused = data.focused;
    panel.look?.();
  },
  opened: (data) => panel.opened(data),
  closed: () => panel.closed(),
});
tell({ type: "ready" });

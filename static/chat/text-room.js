// The page of a plain-text room: what it says, the state of the connection in words, and a box to write in.

import { systemClock } from "./clock.js";
import { explain } from "./errors.js";
import { t, useLanguage } from "./i18n.js";
import { isComposing } from "./keys.js";
import { fitScreen } from "./screen.js";
import { Scroller } from "./scroller.js";
import { Store, browserStorage } from "./store.js";
import { TextLink } from "./text-link.js";
import { watchBrowser } from "./waking.js";

const MOST = 2_000; // lines kept; a page may stand open for weeks
const DRAFT = `draft:${location.pathname}`;
const ERROR = /^error:(\w+):(.*)$/s;
const SAID = /^(from\d+:)(.*)$/s;

const part = (name) => document.getElementById(name);

// The same words again would be read out again.
function put(name, text) {
  if (part(name).textContent !== text) part(name).textContent = text;
}

function stateInWords(readyState) {
  return [t("Connecting"), t("Connected"), t("Closing"), t("Closed")][readyState];
}

function reasonInWords(why) {
  return {
    session: t("Your session has ended. What you wrote is kept."),
    forbidden: t("You may not do this."),
    refused: t("The connection was closed."),
    gone: t("There is no such room."),
    left: t("You have left the room."),
  }[why];
}

/** A script is not told why a handshake was refused: the page at the same address is. */
async function askPage() {
  const how = { method: "HEAD", redirect: "manual", cache: "no-store", headers: { Accept: "text/html" } };
  const answer = await fetch(location.pathname, how).catch(() => null);
  if (answer?.type === "opaqueredirect" || answer?.status === 401) return "session";
  return { 403: "forbidden", 404: "gone" }[answer?.status] ?? null;
}

class Room {
  #link; #echo; #limit; #drafts; #countdown;
  #unseen = 0;
  #scroller = new Scroller({ onMove: () => this.#moved(), onHole: () => {} });

  constructor({ uid, echo, text_chars: limit }) {
    this.#echo = echo;
    this.#limit = limit;
    this.#drafts = new Store(browserStorage("sessionStorage"), uid);
    this.#link = new TextLink(location.pathname, { echo, ask: askPage, clock: systemClock });
  }

  start() {
    const link = this.#link;
    link.on("line", (line) => this.#show(line));
    link.on("state", () => this.#draw());
    link.on("back", () => this.#note(t("Connected again. What was said meanwhile is not shown.")));
    part("composer").addEventListener("submit", (event) => this.#submit(event));
    part("text").value = this.#drafts.get(DRAFT) ?? "";
    part("text").addEventListener("input", () => this.#keep());
    part("text").addEventListener("keydown", (event) => this.#pressed(event));
    part("toggle").addEventListener("click", () => (this.#may("leave") ? link.close() : link.connect()));
    part("retry").addEventListener("click", () => link.wake());
    part("login").addEventListener("click", () => location.reload());
    part("newer").addEventListener("click", () => { this.#scroller.toEnd(); this.#moved(); });
    this.#scroller.attach(part("lines-box"));
    watchBrowser(link);
    fitScreen(document.body);
    link.connect();
    // On a phone the keyboard would hide what one came to read.
    if (matchMedia("(pointer: fine)").matches) part("text").focus();
  }

  // What was said

  #show(line) {
    const [, code, message] = ERROR.exec(line) ?? [];
    if (code) return this.#note(explain({ code, message }), "error");
    const [, who, words] = SAID.exec(line) ?? [null, "", line];
    const row = document.createElement("li");
    if (who) row.append(element("span", "who", who));
    row.append(element("bdi", "words", words));
    this.#append(row);
    this.#unseen += this.#scroller.stuck ? 0 : 1;
    this.#moved();
  }

  #note(words, kind = "note") {
    this.#append(element("li", kind, words));
  }

  #append(row) {
    const lines = part("lines");
    lines.append(row);
    if (this.#scroller.stuck) while (lines.childElementCount > MOST) lines.firstElementChild.remove();
    this.#scroller.afterDraw(null);
  }

  #moved() {
    if (this.#scroller.stuck) this.#unseen = 0;
    part("newer").hidden = this.#unseen === 0;
    part("newer").textContent = this.#unseen === 1 ? t("1 new message") : t("{n} new messages", { n: this.#unseen });
  }

  // The connection

  #may(what) {
    const { readyState, retryAt, why } = this.#link;
    if (what === "leave") return !why && (readyState < 2 || retryAt !== null);
    return why === "left" && readyState === 3;
  }

  #draw() {
    const { readyState, why, secondsToRetry } = this.#link;
    const waits = secondsToRetry !== null;
    put("state", stateInWords(readyState));
    part("state").dataset.state = readyState;
    put("toggle", this.#may("leave") ? t("Disconnect") : t("Connect"));
    part("toggle").disabled = !this.#may("leave") && !this.#may("return");
    part("send").disabled = readyState !== 1;
    const trouble = waits ? t("Offline. Trying again in {n} s", { n: secondsToRetry }) : reasonInWords(why);
    part("reason").ariaHidden = waits; // every second is for the eye only
    put("reason", trouble ?? "");
    part("trouble").hidden = readyState !== 3 || !trouble;
    part("retry").hidden = !waits;
    part("login").hidden = why !== "session";
    this.#count(waits);
  }

  #count(waits) {
    if (waits) this.#countdown ??= setInterval(() => this.#draw(), 1000);
    if (waits) return;
    clearInterval(this.#countdown);
    this.#countdown = undefined;
  }

  // Writing

  #pressed(event) {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the browser would send the form, amid the choice of a word as well
    if (!isComposing(event)) this.#say();
  }

  #submit(event) {
    event.preventDefault();
    this.#say();
    part("text").focus();
  }

  // Over a reload, and over the login that follows the end of a session.
  #keep() {
    this.#drafts.set(DRAFT, part("text").value || null);
  }

  #say() {
    const box = part("text");
    // What is too long stays in the box, to be made shorter.
    if ([...box.value].length > this.#limit) return this.#note(explain({ code: "too_long" }), "error");
    if (box.value === "" || !this.#link.send(box.value)) return;
    if (!this.#echo) this.#note(t("You: {text}", { text: box.value }), "mine");
    box.value = "";
    this.#keep();
    this.#scroller.toEnd();
  }
}

function element(name, kind, text) {
  const made = document.createElement(name);
  made.className = kind;
  made.textContent = text;
  return made;
}

const boot = JSON.parse(part("text-boot").textContent);
useLanguage(boot.lang, boot.messages);
new Room(boot).start();

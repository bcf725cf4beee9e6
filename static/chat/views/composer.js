// Where one writes.

import { html, live, nothing } from "../lit.js";
import { t } from "../i18n.js";
import { sendsMessage } from "../keys.js";
import { icon } from "./parts.js";

const NEARLY_FULL = 0.9;

export function composer(page, conversation) {
  const draft = page.chat.draft(conversation.key);
  const left = page.textLimit - [...draft].length;
  const label = conversation.isRoom
    ? t("Message to {room}", { room: conversation.title })
    : t("Message to {name}", { name: conversation.title });
  const typed = ({ target }) => {
    page.chat.setDraft(conversation.key, target.value);
    if (target.value.trim()) page.chat.speaker.typed();
  };
  return html`
    <form class="composer" @submit=${(event) => submit(event, page)}>
      <textarea id="composer" rows="1" dir="auto" aria-label=${label} placeholder=${t("Write a message")} enterkeyhint="send"
        aria-describedby="composer-count" .value=${live(draft)} @input=${typed} @keydown=${(event) => pressed(event, page)}></textarea>
      <span id="composer-count" class="count ${left < 0 ? "over" : ""}">${counter(left, page.textLimit)}</span>
      <button class="icon-button send" aria-label=${t("Send")} title=${sendHint(page)} ?disabled=${!page.maySend()}>${icon("send")}</button>
    </form>`;
}

const sendHint = ({ settings }) => (settings.sendWith === "enter" ? t("Send (Enter)") : t("Send (Ctrl+Enter)"));

function counter(left, limit) {
  if (left > limit * (1 - NEARLY_FULL)) return nothing;
  return left < 0 ? t("{n} characters too many", { n: -left }) : t("{n} characters left", { n: left });
}

function pressed(event, page) {
  if (sendsMessage(event, page.settings.sendWith)) submit(event, page);
}

function submit(event, page) {
  event.preventDefault();
  page.send();
}

/** As high as its text, up to what the style sheet allows. */
export function fitComposer(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

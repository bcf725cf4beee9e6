// The settings of this browser, the language, and the way out.

import { html, nothing } from "../lit.js";
import { t } from "../i18n.js";
import { heading } from "./parts.js";

export function settings(page) {
  return html`
    ${heading(page, t("Settings"))}
    <div class="form">
      ${choices(page, "theme", t("Colours"), { auto: t("As the system"), light: t("Light"), dark: t("Dark") })}
      ${choices(page, "sendWith", t("Send with"), { enter: t("Enter"), "ctrl-enter": t("Ctrl+Enter") })}
      ${sound(page)}
      ${notifications(page)}
      <fieldset>
        <legend>${t("Language")}</legend>
        <div class="segments">${Object.entries(page.boot.languages).map((language) => languageLink(page, language))}</div>
      </fieldset>
      <div class="actions spread">
        <button type="button" class="button quiet" @click=${() => page.openDialog("shortcuts")}>${t("Keyboard shortcuts")}</button>
        ${page.boot.logout ? logout(page.boot) : nothing}
      </div>
    </div>`;
}

function sound(page) {
  const test = html`<button type="button" class="button" @click=${() => page.notices.tryOut()}>${t("Test")}</button>`;
  return choices(page, "sound", t("Sound"), { on: t("On"), off: t("Off") }, test);
}

function notifications(page) {
  const { permission } = page.notices;
  const legend = t("Notifications of this browser");
  if (permission === "granted") return choices(page, "notifications", legend, { on: t("On"), off: t("Off") });
  return html`<fieldset><legend>${legend}</legend>${unlessAllowed(page, permission)}</fieldset>`;
}

function unlessAllowed({ notices }, permission) {
  if (permission === "denied") return html`<p class="quiet">${t("Blocked. You can allow them for this site in your browser's settings.")}</p>`;
  if (permission === "missing") return html`<p class="quiet">${t("This browser offers none for this site.")}</p>`;
  return html`<button type="button" class="button" @click=${() => notices.askPermission()}>${t("Enable notifications")}</button>`;
}

const choices = (page, name, legend, options, beside = nothing) => html`
  <fieldset>
    <legend>${legend}</legend>
    <div class="beside"><div class="segments">${Object.entries(options).map(([value, label]) => html`
      <label class="segment">
        <input type="radio" name=${name} value=${value} .checked=${page.settings[name] === value}
          @change=${() => page.choose(name, value)}><span>${label}</span>
      </label>`)}
    </div>${beside}</div>
  </fieldset>`;

const languageLink = ({ boot }, [code, name]) => html`
  <a class="segment" href="?lang=${code}" lang=${code} aria-current=${code === boot.lang ? "true" : nothing}><span>${name}</span></a>`;

const logout = ({ logout: action, csrf }) => html`
  <form method="post" action=${action}>
    <input type="hidden" name="csrf_token" value=${csrf ?? ""}>
    <button class="button">${t("Log out")}</button>
  </form>`;

// What the site pushed to this person. New ones are read out, the others are not repeated.

import { html, nothing, repeat } from "../lit.js";
import { t } from "../i18n.js";
import { icon, iconButton } from "./parts.js";

export const toasts = (page) => html`
  <div class="toasts" role="status" aria-live="polite" aria-atomic="false" aria-label=${t("Notices of the site")}>
    ${repeat(page.notices.toasts.list, ({ id }) => id, (toast) => one(page, toast))}
  </div>`;

const one = (page, toast) => html`
  <div class="toast">
    ${icon("bell")}
    <div class="toast-text">
      <p dir="auto">${toast.content}</p>
      ${toast.key ? html`<button type="button" class="link" @click=${() => page.notices.openToast(toast)}>${t("Open")}</button>` : nothing}
    </div>
    ${iconButton({ name: "close", label: t("Close"), press: () => page.notices.close(toast.id) })}
  </div>`;

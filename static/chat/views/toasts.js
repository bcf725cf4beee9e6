// What the site pushes to this person.

import { html } from "../lit.js";
import { t } from "../i18n.js";
import { icon, iconButton } from "./parts.js";

export const toasts = (page) => html`
  <div class="toasts" role="status">${page.toasts.map((text) => html`
    <div class="toast">${icon("bell")}<p dir="auto">${text}</p>
      ${iconButton({ name: "close", label: t("Close"), press: () => page.show({ toasts: page.toasts.filter((one) => one !== text) }) })}
    </div>`)}
  </div>`;

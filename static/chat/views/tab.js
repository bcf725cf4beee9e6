// The tab's own title and icon, which say from afar that something is unread.

import { upTo99 } from "../count.js";
import { t } from "../i18n.js";

export function nameTab(current, unread) {
  const name = current ? `${current.title} · ${t("Chat")}` : t("Chat");
  document.title = unread ? `(${upTo99(unread)}) ${name}` : name;
  const favicon = document.querySelector("#favicon");
  const href = unread ? favicon.dataset.unread : favicon.dataset.quiet;
  if (favicon.getAttribute("href") !== href) favicon.setAttribute("href", href);
}

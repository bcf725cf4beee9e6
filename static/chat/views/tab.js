// The tab's own title and icon, which say from afar that something is unread.

import { t } from "../i18n.js";

export function nameTab({ current, totalUnread }) {
  const name = current ? `${current.title} · ${t("Chat")}` : t("Chat");
  document.title = totalUnread ? `(${totalUnread}) ${name}` : name;
  const favicon = document.querySelector("#favicon");
  const href = totalUnread ? favicon.dataset.unread : favicon.dataset.quiet;
  if (favicon.getAttribute("href") !== href) favicon.setAttribute("href", href);
}

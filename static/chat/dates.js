// Days and times in the page's language, and in the reader's own time zone.

import { localeName, t } from "./i18n.js";

const DAY = 86_400_000;
const formats = new Map();

function format(options) {
  const key = `${localeName()} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(localeName(), options));
  return formats.get(key);
}

export const clockTime = (ts) => format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ts);

export const fullTime = (ts) => format({ dateStyle: "full", timeStyle: "short", hourCycle: "h23" }).format(ts);

export const isoTime = (ts) => new Date(ts).toISOString();

/** "Today", "Yesterday", a weekday, or a date. */
export function dayName(ts, now = Date.now()) {
  const days = daysBetween(ts, now);
  if (days === 0 || days === 1) return capitalised(new Intl.RelativeTimeFormat(localeName(), { numeric: "auto" }).format(-days, "day"));
  if (days > 1 && days < 7) return format({ weekday: "long" }).format(ts);
  const sameYear = new Date(ts).getFullYear() === new Date(now).getFullYear();
  return format({ weekday: "short", day: "numeric", month: "long", year: sameYear ? undefined : "numeric" }).format(ts);
}

/** As short as a list needs it: the time today, else the day. */
export function shortTime(ts, now = Date.now()) {
  const days = daysBetween(ts, now);
  if (days === 0) return clockTime(ts);
  if (days === 1) return dayName(ts, now);
  if (days > 1 && days < 7) return format({ weekday: "short" }).format(ts);
  return format({ day: "numeric", month: "numeric", year: "2-digit" }).format(ts);
}

/** How long ago, as people say it: "just now", "5 min ago", "yesterday"; a date when it is long ago. */
export function ago(ts, now = Date.now()) {
  const minutes = Math.max(0, Math.floor((now - ts) / 60_000));
  if (minutes === 0) return t("just now");
  if (minutes < 60) return relative(minutes, "minute");
  const days = daysBetween(ts, now);
  if (days === 0 || minutes < 12 * 60) return relative(Math.floor(minutes / 60), "hour");
  return days < 7 ? relative(days, "day") : shortTime(ts, now);
}

const relative = (count, unit) =>
  new Intl.RelativeTimeFormat(localeName(), { numeric: "auto", style: "short" }).format(-count, unit);

// Rounded, because a day with a change of clocks has 23 or 25 hours.
function daysBetween(ts, now) {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(ts).setHours(0, 0, 0, 0)) / DAY);
}

const capitalised = (text) => text.charAt(0).toLocaleUpperCase(localeName()) + text.slice(1);

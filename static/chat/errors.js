// What went wrong, in the reader's language: the server's codes are the contract, its words are English.

import { t } from "./i18n.js";

export function explain({ code, message }) {
  return {
    offline: t("You are offline."),
    timeout: t("The server did not answer."),
    rate_limited: t("That was too fast. Wait a moment."),
    not_member: t("You are not a member of this room."),
    unknown_room: t("There is no such room."),
    forbidden: forbidden(message),
    exists: t("There is a room of this name already."),
    too_long: t("The text is too long."),
    bad_text: t("The text contains characters that cannot be sent."),
    unavailable: t("The server is busy. Try again in a moment."),
    internal: t("Something went wrong on the server."),
  }[code] ?? message;
}

/** The same, where the text was a name. */
export function explainName(error) {
  const unfit = ["bad_text", "too_long", "empty"].includes(error.code);
  return unfit ? t("A name has 1 to 80 printable characters.") : explain(error);
}

// The server's own words; any others are those of the site, which knows what its visitors speak.
function forbidden(message) {
  return {
    "You may not be in this room.": t("You may not be in this room."),
    "You may not bring anybody into this room.": t("You may not bring anybody into this room."),
    "The site itself says who is in this room: nobody can be invited.": t("The site itself says who is in this room: nobody can be invited."),
    "You may not write in this room.": t("You may not write in this room."),
    "You may not write to this person.": t("You may not write to this person."),
    "This message is not allowed here.": t("This message is not allowed here."),
  }[message] ?? message ?? t("You may not do this.");
}

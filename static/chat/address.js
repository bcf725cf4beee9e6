// The part of the page's address behind "#" is the key of the conversation that is shown.

import { isKey } from "./protocol.js";

export const hashOf = (key) => (key === null ? "" : `#${encodeURI(key)}`);

/** The conversation that is asked for, or null. */
export function askedFor(hash) {
  try {
    const key = decodeURIComponent(hash.slice(1));
    return isKey(key) ? key : null;
  } catch {
    return null;
  }
}

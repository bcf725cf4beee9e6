// What a key press means. Pure, because the rules are easy to get wrong and have to be tested.

/**
 * An input method is at work: Enter chooses a word and sends nothing. Safari ends the composition
 * before it reports the key, and only the old keyCode still tells.
 */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** `mode` is "enter" or "ctrl-enter". Enter with Shift or Alt is always a new line. */
export function sendsMessage(event, mode) {
  if (isComposing(event) || event.key !== "Enter" || event.shiftKey || event.altKey) return false;
  return mode === "enter" || event.ctrlKey || event.metaKey;
}

/** The shortcut of the whole page that a key press stands for, or null. */
export function shortcutOf(event, { inText }) {
  if (isComposing(event)) return null;
  const { key, altKey, shiftKey } = event;
  const command = event.ctrlKey || event.metaKey;
  if (command && !altKey && !shiftKey && key.toLowerCase() === "k") return "switcher";
  if (altKey && !command && !shiftKey && key === "ArrowUp") return "previous";
  if (altKey && !command && !shiftKey && key === "ArrowDown") return "next";
  if (shiftKey && !command && !altKey && key === "Escape") return "read-all";
  if (key === "?" && !inText && !command && !altKey) return "shortcuts";
  return null;
}

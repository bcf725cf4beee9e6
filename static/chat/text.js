// A message's text, cut into plain pieces and links. It is never turned into HTML.

const ADDRESS = /https?:\/\/[^\s<>"'`，。！？；：、（）【】「」《》]+/gi;
const TRAILING = /[.,;:!?)\]}*_~]$/;
const OPENING = { ")": "(", "]": "[", "}": "{" };

/** [{ text }, { text, href }, …]; joined, the texts are what went in. */
export function splitLinks(content) {
  const pieces = [];
  let from = 0;
  for (const { 0: match, index } of content.matchAll(ADDRESS)) {
    const text = withoutTrailing(match);
    if (!isAddress(text)) continue;
    if (index > from) pieces.push({ text: content.slice(from, index) });
    pieces.push({ text, href: text });
    from = index + text.length;
  }
  if (from < content.length) pieces.push({ text: content.slice(from) });
  return pieces;
}

// "(see https://a.example/b)." ends the sentence, not the address; "…/wiki/Foo_(bar)" keeps its pair.
function withoutTrailing(address) {
  let text = address;
  while (TRAILING.test(text) && !closesPair(text)) text = text.slice(0, -1);
  return text;
}

function closesPair(text) {
  const close = text.at(-1);
  const open = OPENING[close];
  return open !== undefined && text.split(open).length >= text.split(close).length;
}

function isAddress(text) {
  try {
    return Boolean(new URL(text).hostname);
  } catch {
    return false;
  }
}

// The page's language. The server hands over the catalog; an English text is its own key.

let catalog = {};
let locale = "en";

export function useLanguage(language, messages) {
  catalog = messages;
  const wished = (globalThis.navigator?.languages ?? []).find((tag) => tag.toLowerCase().startsWith(language));
  locale = wished ?? (language === "zh" ? "zh-CN" : language);
}

export const localeName = () => locale;

/** The text in the page's language, with `{name}` replaced by `values.name`. */
export function t(text, values) {
  const translated = catalog[text] || text;
  return values ? translated.replace(/\{(\w+)\}/g, (_, name) => values[name]) : translated;
}

/** As `t`, but the values may be templates (a name in `<bdi>`): returns the pieces in order. */
export function phrase(text, values) {
  return t(text).split(/\{(\w+)\}/).map((piece, at) => (at % 2 ? values[piece] : piece));
}

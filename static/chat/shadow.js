// The chat's style sheets inside a shadow tree, where they meet no style of the page around them. The page's own letter
// size would still count through `rem`, so that becomes pixels.

const SHEETS = ["variables.css", "base.css", "chat.css", "widget.css"];

const dressed = new WeakSet();

export async function dress(root, base) {
  const tree = root.getRootNode();
  if (tree === document || dressed.has(tree)) return; // a page of our own has them already
  const texts = await Promise.all(SHEETS.map((name) => read(new URL(`static/${name}`, base))));
  tree.adoptedStyleSheets = [...tree.adoptedStyleSheets, ...texts.map(sheet)];
  dressed.add(tree);
}

async function read(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.text();
}

function sheet(text) {
  const made = new CSSStyleSheet();
  made.replaceSync(inShadow(text));
  return made;
}

/** Rules for the whole page hold for the widget. */
export function inShadow(text) {
  return text
    .replace(/:root(\[[^\]]*\])/g, ":host($1)")
    .replaceAll(":root", ":host")
    .replace(/(^|\n)(html|body)(?=\s*\{)/g, "$1.widget")
    .replace(/(\d*\.?\d+)rem\b/g, (_, number) => `${number * 16}px`);
}

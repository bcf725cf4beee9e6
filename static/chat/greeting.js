// A bubble above the closed widget: the `greeting` of a page, once in a browser, after some seconds.

const GREETED = "legacy-chat:greeted";
const AFTER = 5; // seconds
const CLOSE = { en: "Close", zh: "关闭" };

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
.greeting { display: flex; align-items: flex-start; max-inline-size: min(280px, 100vw - 40px); box-sizing: border-box; margin-block-end: 12px;
  border: 1px solid light-dark(#d9dce3, #3a3d45); border-radius: 14px; background: light-dark(#fff, #191b20);
  color: light-dark(#1c2430, #e8eaee); box-shadow: 0 4px 16px #0004; }
:host([open]) .greeting { display: none; }
.greeting button { padding: 12px 14px; border: 0; background: none; color: inherit; font: inherit; text-align: start; cursor: pointer; }
.greeting button + button { min-inline-size: 44px; padding-inline: 0; text-align: center; }`);

export function greet(host) {
  if (greeted()) return;
  const after = Number(host.getAttribute("greeting-after") ?? AFTER);
  setTimeout(() => host.isConnected && !host.hidden && !host.hasAttribute("open") && !greeted() && say(host), after * 1000);
}

function say(host) {
  greeted("yes");
  const root = host.shadowRoot;
  const bubble = Object.assign(document.createElement("div"), { className: "greeting", role: "status" });
  const away = () => bubble.remove();
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  root.prepend(bubble);
  bubble.append(
    button({ textContent: host.getAttribute("greeting"), onclick: () => { away(); host.open(); } }),
    button({ textContent: "×", ariaLabel: CLOSE[/^zh/i.test(host.language) ? "zh" : "en"], onclick: away }),
  );
}

const button = (what) => Object.assign(document.createElement("button"), { type: "button", ...what });

function greeted(now) {
  try {
    return now ? localStorage.setItem(GREETED, now) : localStorage.getItem(GREETED);
  } catch {
    return null; // a browser that keeps nothing greets on each page
  }
}

// The widget's panel on a page of another origin: a frame. The site's cookie does not come along there, so the page hands
// over a signed `token`, or asks its own `tokenUrl` for one whenever the frame needs a new one.

const TITLES = { en: "Chat", zh: "聊天" };

export function show(panel, { base, room, lang, login, token, tokenUrl, unread, close }) {
  const frame = document.createElement("iframe");
  frame.title = TITLES[lang === "zh" ? "zh" : "en"];
  frame.src = address(base, { room, lang, theme: themeOf(panel) });
  const tell = (message) => frame.contentWindow?.postMessage(message, base.origin);
  // The frame does not see whether somebody looks at the page around it.
  const look = () => setTimeout(() => tell({ type: "focus", focused: document.hasFocus() }));
  const listening = new AbortController();
  const { signal } = listening;
  for (const name of ["focus", "blur"]) addEventListener(name, look, { signal });
  const ready = new Promise((done) => {
    const answers = {
      token: async () => tell({ type: "token", login: login && new URL(login, location).href, token: await freshToken(token, tokenUrl) }),
      unread: ({ count }) => unread(count),
      look,
      close,
      ready: done,
    };
    addEventListener("message", ({ source, origin, data }) => {
      if (source === frame.contentWindow && origin === base.origin) answers[data?.type]?.(data);
    }, { signal });
  });
  panel.replaceChildren(frame);
  const opened = ({ focus }) => {
    if (focus) frame.focus();
    look();
    tell({ type: "opened", focus });
  };
  return {
    opened: ({ focus }) => ready.then(() => opened({ focus })),
    closed: () => ready.then(() => tell({ type: "closed" })),
    end() {
      listening.abort();
      panel.replaceChildren();
    },
  };
}

function address(base, wishes) {
  const url = new URL("embed", base);
  for (const [name, wish] of Object.entries(wishes)) if (wish) url.searchParams.set(name, wish);
  return url.href;
}

/** A page that says nothing of dark colours has none. Where no style says anything, the `meta` of the page counts. */
function themeOf(panel) {
  const styled = getComputedStyle(panel).colorScheme;
  const scheme = styled === "normal" ? document.querySelector("meta[name=color-scheme i]")?.content : styled;
  if (/dark/.test(scheme)) return /light/.test(scheme) ? null : "dark";
  return "light";
}

/** undefined where the page gives none and the site's cookie may do; null where nobody is logged in. */
async function freshToken(token, tokenUrl) {
  if (!tokenUrl) return token;
  const answer = await fetch(tokenUrl, { cache: "no-store" }).catch(() => null);
  return answer?.status === 200 ? (await answer.text()).trim() : null;
}

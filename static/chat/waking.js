// When to look after a connection: a page that comes back from the browser's cache or freezer, from behind
// another tab or from a laptop's sleep may hold a link that died without a word.

const LOOK_EVERY = 2_000;
const SLEPT = 10_000;

/**
 * Wakes the client when a person is back, lets it rest behind another tab, drops its link when the network is gone;
 * until `signal`, if the client does not live as long as its page.
 */
export function watchBrowser(client, signal) {
  const until = { signal };
  globalThis.addEventListener?.("online", () => client.wake(), until);
  globalThis.addEventListener?.("offline", () => client.drop(), until);
  globalThis.addEventListener?.("pageshow", ({ persisted }) => persisted && client.wake(), until);
  globalThis.document?.addEventListener("resume", () => client.wake(), until);
  globalThis.document?.addEventListener("visibilitychange", () => (lookedAt() ? client.wake() : client.rest()), until);
  if (globalThis.document) watchSleep(client, signal);
}

const lookedAt = () => document.visibilityState === "visible";

// A laptop that was shut under a visible page fires no event at all; its timers are late.
function watchSleep(client, signal) {
  let before = Date.now();
  const timer = setInterval(() => {
    const late = Date.now() - before > SLEPT;
    before = Date.now();
    if (late && lookedAt()) client.wake();
  }, LOOK_EVERY);
  signal?.addEventListener("abort", () => clearInterval(timer));
}

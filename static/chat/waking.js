// When to look after a connection: a page that comes back from the browser's cache or freezer, from behind
// another tab or from a laptop's sleep may hold a link that died without a word.

const LOOK_EVERY = 2_000;
const SLEPT = 10_000;

/** Wakes the client when a person is back, lets it rest behind another tab, drops its link when the network is gone. */
export function watchBrowser(client) {
  globalThis.addEventListener?.("online", () => client.wake());
  globalThis.addEventListener?.("offline", () => client.drop());
  globalThis.addEventListener?.("pageshow", ({ persisted }) => persisted && client.wake());
  globalThis.document?.addEventListener("resume", () => client.wake());
  globalThis.document?.addEventListener("visibilitychange", () => (lookedAt() ? client.wake() : client.rest()));
  if (globalThis.document) watchSleep(client);
}

const lookedAt = () => document.visibilityState === "visible";

// A laptop that was shut under a visible page fires no event at all; its timers are late.
function watchSleep(client) {
  let before = Date.now();
  setInterval(() => {
    const late = Date.now() - before > SLEPT;
    before = Date.now();
    if (late && lookedAt()) client.wake();
  }, LOOK_EVERY);
}

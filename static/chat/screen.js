// The keyboard of an iPhone covers the page instead of making it smaller. Zooming is not a keyboard.

/** Keeps `root` as high as what can be seen; until `signal`, if it does not stay as long as its page. */
export function fitScreen(root, signal) {
  const viewport = globalThis.visualViewport;
  viewport?.addEventListener("resize", () => {
    if (viewport.scale === 1) root.style.setProperty("--lc-height", `${viewport.height}px`);
    else root.style.removeProperty("--lc-height");
  }, { signal });
  signal?.addEventListener("abort", () => root.style.removeProperty("--lc-height"));
}

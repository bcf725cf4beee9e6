// A plain script, loaded before the page is painted: a dark page must not flash white first.

(() => {
  const themes = ["light", "dark"];
  const apply = (theme) => {
    if (themes.includes(theme)) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  const read = () => {
    try {
      return localStorage.getItem("legacy-chat:theme");
    } catch {
      return null;
    }
  };
  apply(read());
  // The choice of one page holds in all of them.
  addEventListener("storage", ({ key }) => { if (key === "legacy-chat:theme") apply(read()); });
  addEventListener("legacy-chat-theme", ({ detail }) => apply(detail));
})();

// Formulas that are wider than the page scroll within their box. Like code, such a box needs a tab stop, or the
// keyboard cannot scroll it. A folded box has no width until it is opened.
(() => {
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const scrolls = target.scrollWidth > target.clientWidth + 1;
      target.classList.toggle("house-scrolls", scrolls);
      if (scrolls) {
        target.tabIndex = 0;
        target.setAttribute("role", "group");
        target.setAttribute("aria-label", "Formula, scrolls sideways");
      } else {
        for (const name of ["tabindex", "role", "aria-label"]) target.removeAttribute(name);
      }
    }
  });
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("div.math > mjx-container, span.math").forEach((box) => sizes.observe(box));
  });
})();

// Paper is white: print the light theme.
(() => {
  const page = document.documentElement.dataset;
  let shown;
  window.addEventListener("beforeprint", () => {
    shown = page.theme;
    page.theme = "light";
  });
  window.addEventListener("afterprint", () => {
    page.theme = shown;
  });
})();

// Lists that can be searched: every equation, the errata. Without this script they are shown whole.
// What is chosen stands in the address, as in #q=torque&paper=KK, so that it can be linked.
(() => {
  const plain = (text) => text.toLowerCase().replace(/\s+/g, " ");

  // A word of the search may begin or end anywhere; a number or a letter alone must stand alone, so that 5 is not 15.
  const finds = (text, word) => {
    if (!/^\(?(\d+|[a-z])\)?$/.test(word)) return text.includes(word);
    return new RegExp(`(^|[^a-z0-9])${word.replace(/[()]/g, "")}($|[^a-z0-9])`).test(text);
  };

  const serve = (form) => {
    const list = document.getElementById(form.dataset.list);
    const rows = [...list.querySelectorAll("[data-words]")];
    const texts = rows.map((row) => plain(`${row.textContent} ${row.dataset.words}`));
    const count = form.querySelector("output");

    const show = () => {
      const wanted = Object.fromEntries(new FormData(form));
      const words = plain(wanted.q ?? "").split(" ").filter(Boolean);
      let shown = 0;
      rows.forEach((row, n) => {
        const chosen = Object.entries(wanted).every(([key, value]) => key === "q" || !value || row.dataset[key] === value);
        row.hidden = !(chosen && words.every((word) => finds(texts[n], word)));
        shown += !row.hidden;
      });
      for (const group of list.querySelectorAll("tbody"))
        group.hidden = !group.querySelector("[data-words]:not([hidden])");
      count.value = `${shown} of ${rows.length} ${form.dataset.noun}`;
      return new URLSearchParams(Object.entries(wanted).filter(([, value]) => value)).toString();
    };

    const read = () => {
      const hash = location.hash.slice(1);
      if (!hash.includes("=")) return;
      form.reset();
      for (const [key, value] of new URLSearchParams(hash)) {
        const control = form.elements.namedItem(key);
        if (control?.type === "checkbox") control.checked = control.value === value;
        else if (control) control.value = value;
      }
    };

    const write = () => {
      const chosen = show();
      history.replaceState(null, "", chosen ? `#${chosen}` : location.pathname + location.search);
    };

    form.addEventListener("input", write);
    form.addEventListener("reset", () => setTimeout(write));
    form.addEventListener("submit", (event) => event.preventDefault());
    window.addEventListener("hashchange", () => {
      read();
      show();
    });
    form.hidden = false;
    read();
    show();
  };

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("form.ledger-filter").forEach(serve));
})();

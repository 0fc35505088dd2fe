// Makes a built page ready for paper and says what its outline is: run in the page, before it is printed.
(({ part, first, front }) => {
  const article = document.querySelector("article.bd-article");
  const unwrap = (element) => element.replaceWith(...element.childNodes);

  // What only works on a screen. The next link to a page of the book is made one within the document later.
  for (const element of article.querySelectorAll(".headerlink, .copybtn, .toggle-button, .figure-data, script"))
    element.remove();
  for (const link of article.querySelectorAll("a[href]")) {
    const url = new URL(link.getAttribute("href"), document.baseURI); // a link of a drawing has no text as href
    if (url.protocol === "file:" && (!url.pathname.endsWith(".html") || /\/search\.html$/.test(url.pathname)))
      unwrap(link);
  }

  // Whatever is folded is unfolded: solutions of exercises, and code.
  for (const details of article.querySelectorAll("details")) details.open = true;
  for (const box of article.querySelectorAll(".dropdown, .toggle, .toggle-hidden"))
    box.classList.remove("dropdown", "toggle", "toggle-hidden");
  for (const image of article.querySelectorAll("img")) image.loading = "eager";

  // A browser gives a place in the file only to what a link of the same page leads to.
  const places = document.createElement("div");
  places.hidden = true;
  for (const element of article.querySelectorAll("[id]:not(svg *):not(svg)")) {
    const link = document.createElement("a");
    link.href = `#${encodeURIComponent(element.id)}`;
    places.append(link);
  }
  article.append(places);

  const text = (heading) => {
    const copy = heading.cloneNode(true);
    for (const formula of copy.querySelectorAll("mjx-container")) {
      const spoken = formula.querySelector("mjx-assistive-mml");
      formula.replaceWith(spoken ? spoken.textContent : "");
    }
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const title = article.querySelector("h1");
  const outline = {
    title: title ? text(title) : "",
    sections: [...article.querySelectorAll("h2")].map((heading) => [heading.closest("[id]")?.id, text(heading)]),
  };
  if (part && title) {
    const line = document.createElement("p");
    line.className = "pdf-part";
    line.textContent = part;
    title.before(line);
  }
  // The article alone, and what its formulas are drawn with.
  const glyphs = [...document.querySelectorAll("svg")].filter((svg) => svg.querySelector("defs") && !article.contains(svg));
  const content = document.createElement("main");
  content.className = "bd-content bd-article-container";
  content.append(article);
  document.body.replaceChildren(content, ...glyphs);
  // Head and foot; the first sheet has the title instead of a head, and the title page has no number either.
  const style = document.createElement("style");
  const none = "{ content: none; }";
  style.textContent = `
    html { counter-reset: page ${first - 1}; }
    @page {
      @top-left { content: ${JSON.stringify(outline.title)}; }
      @bottom-center { content: counter(page, ${front ? "lower-roman" : "decimal"}); }
    }
    @page :first { @top-left ${none} ${front ? `@bottom-center ${none}` : ""} }`;
  document.head.append(style);
  return outline;
})

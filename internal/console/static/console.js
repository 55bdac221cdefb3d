// Small enhancements. Every page works without them.
"use strict";
(() => {
  // Show times in the reader's time zone.
  const now = new Date();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const element of document.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    if (isNaN(at)) continue;
    const options = { hour: "2-digit", minute: "2-digit", hour12: false };
    if (at.toDateString() !== now.toDateString()) Object.assign(options, { day: "numeric", month: "short" });
    if (at.getFullYear() !== now.getFullYear()) options.year = "numeric";
    element.textContent = new Intl.DateTimeFormat("en-GB", options).format(at);
    element.title = at.toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
  }
  const note = document.querySelector("[data-zone]");
  if (note && zone) note.textContent = "Times are in " + zone.replace(/_/g, " ");

  // "/" moves the focus to the search.
  const search = document.getElementById("q");
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  });

  // Send each form only once.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => delete form.dataset.sent));
})();

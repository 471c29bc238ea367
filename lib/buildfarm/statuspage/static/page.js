// Keeps a page up to date. Everything is there without this script: it asks for the page again when
// something that it shows has changed, and puts in those of its parts that are different.
//
// A page says in the attributes of its body what it follows (`farm`, `queue`, `builder:NAME`) and
// the last event that it has seen; its parts are the elements with `data-live`.
"use strict";

(() => {
  const follows = document.body.dataset.follows;
  if (!follows || !("EventSource" in window)) return;

  // Milliseconds: between two times that the page is asked for; after which it is without a change,
  // since log lines and spans of time are none.
  const LEAST = 2000;
  const MOST = 30000;

  const status = document.getElementById("live");
  let event = document.body.dataset.event;
  let last = performance.now();
  let timer = 0;
  let stale = false;
  let soon = false;

  const concerns = (told) => {
    if (told.all || follows === "farm") return true;
    const [kind, name] = follows.split(":", 2);
    if (kind === "builder") return told.builders.includes(name);
    return told.builds.length > 0 || told.builders.length > 0;
  };

  const say = (text) => {
    status.hidden = false;
    if (status.textContent !== text) status.textContent = text;
  };

  // What is open stays open, and what has the focus keeps it.
  const replace = (old, fresh) => {
    if (old.outerHTML === fresh.outerHTML) return;
    const opened = [...old.querySelectorAll("details")].map((one) => one.open);
    [...fresh.querySelectorAll("details")].forEach((one, at) => { one.open = opened[at] ?? false; });
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceWith(fresh);
    if (focused === null) return;
    const href = focused.getAttribute("href");
    const again = href ? fresh.querySelector(`[href="${CSS.escape(href)}"]`)
      : fresh.querySelector(focused.tagName);
    if (again) again.focus({ preventScroll: true });
  };

  const refresh = async () => {
    soon = false;
    if (document.hidden) {
      stale = true;
      return;
    }
    last = performance.now();
    stale = false;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      event = page.body.dataset.event || event;
      for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = page.querySelector(`[data-live="${old.dataset.live}"]`);
        if (fresh) replace(old, document.adoptNode(fresh));
      }
    } catch {
      // The farm cannot be reached: the event stream notices, and says so.
    } finally {
      if (!soon) later(MOST);
    }
  };

  // Viewers do not all ask in the same moment.
  const later = (least) => {
    const wait = Math.max(least, LEAST - (performance.now() - last)) + Math.random() * 500;
    clearTimeout(timer);
    timer = setTimeout(refresh, wait);
  };

  const changed = () => {
    if (soon) return;
    soon = true;
    later(100);
  };

  const connect = () => {
    const source = new EventSource(`/+events?after=${encodeURIComponent(event)}`);
    source.addEventListener("open", () => say("Live: this page changes by itself."));
    source.addEventListener("changes", (message) => {
      if (concerns(JSON.parse(message.data))) changed();
    });
    source.addEventListener("error", () => {
      say("Not live: the farm cannot be reached. It is tried again.");
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 15000 + Math.random() * 5000);
    });
    addEventListener("pagehide", () => source.close(), { once: true });
  };

  addEventListener("pageshow", (shown) => { if (shown.persisted) connect(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && stale) refresh(); });
  connect();
  later(MOST);
})();

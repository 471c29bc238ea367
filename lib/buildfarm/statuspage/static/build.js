// A build's page, kept up to date: its log follows while one is at its end, and waits while one
// reads further up. Everything is there without this script, too.
//
// Only some thousand lines are in the page at once; those before them are fetched when one asks.
// Text from the server is put in as text, never as HTML.
"use strict";

(() => {
  const box = document.getElementById("log-lines");
  const goOn = document.getElementById("log-go-on");
  const status = document.getElementById("log-status");
  const size = document.getElementById("log-size");
  const build = `/builds/${box.dataset.build}`;

  // Lines in the page at most, and pixels from the end at which one still is at the end.
  const MOST = 3000;
  const NEAR = 40;

  let attempt = Number(box.dataset.attempt);
  let state = box.dataset.state;
  // The bytes of the log that the page shows, and up to where it is known.
  let start = Number(box.dataset.start);
  let end = Number(box.dataset.end);
  let known = Number(box.dataset.size);
  let following = "follows" in box.dataset;
  let paused = 0;
  let source = null;
  let over = !following;

  const lineOf = (line) => {
    const element = document.createElement("div");
    element.className = "l";
    if (typeof line === "string") {
      element.textContent = line;
      return element;
    }
    for (const [classes, text] of line) {
      const run = document.createElement("span");
      if (classes) run.className = classes;
      run.textContent = text;
      element.append(run);
    }
    return element;
  };

  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
  const toEnd = () => { box.scrollTop = box.scrollHeight; };

  // As the server writes it.
  const inUnits = (bytes) => {
    if (bytes < 1024) return `${bytes} Bytes`;
    const power = Math.min(3, Math.floor(Math.log2(bytes) / 10));
    return `${(bytes / 1024 ** power).toFixed(1)} ${["", "KiB", "MiB", "GiB"][power]}`;
  };

  const showSize = (bytes) => {
    known = Math.max(known, bytes);
    if (size) size.textContent = inUnits(known);
  };

  const tell = () => {
    goOn.hidden = following || over && end >= known;
    if (following) {
      status.textContent = over ? "" : "Following the log.";
      return;
    }
    goOn.textContent = over
      ? "To the end"
      : `Paused – ${paused} new line${paused === 1 ? "" : "s"}, go on`;
    status.textContent = "";
  };

  const replaceLines = (part) => {
    box.replaceChildren(...part.lines.map(lineOf));
    start = part.start;
    end = part.end;
    offerEarlier();
  };

  // The lines are divs of very different length, so what they hold in bytes is not known of each:
  // of what leaves the page at one end, parts are remembered.
  let parts = [{ start, end, count: box.children.length }];

  const append = (part) => {
    box.append(...part.lines.map(lineOf));
    parts.push({ start: part.start, end: part.end, count: part.lines.length });
    end = part.end;
    while (box.children.length > MOST && parts.length > 1) {
      const first = parts.shift();
      for (let left = first.count; left; left -= 1) box.firstElementChild.remove();
      start = parts[0].start;
    }
    offerEarlier();
  };

  const prepend = (part) => {
    const before = box.scrollHeight - box.scrollTop;
    box.prepend(...part.lines.map(lineOf));
    parts.unshift({ start: part.start, end: part.end, count: part.lines.length });
    start = part.start;
    box.scrollTop = box.scrollHeight - before;
    while (box.children.length > MOST && parts.length > 1) {
      const last = parts.pop();
      for (let left = last.count; left; left -= 1) box.lastElementChild.remove();
      end = parts[parts.length - 1].end;
    }
    offerEarlier();
  };

  const restartWith = (part) => {
    replaceLines(part);
    parts = [{ start: part.start, end: part.end, count: part.lines.length }];
  };

  const fetchPart = async (query) => {
    const answer = await fetch(`${build}/log/part?${query}`);
    if (!answer.ok) throw new Error(`The log could not be read: ${answer.status}`);
    return answer.json();
  };

  const complain = (error) => { status.textContent = error.message; };

  // Earlier and later lines, without leaving the page.

  const offerEarlier = () => {
    const link = document.querySelector(".log-nav .earlier");
    if (!link) return;
    link.hidden = start === 0;
    link.href = `${build}?before=${start}#log`;
  };

  let loading = false;
  const earlier = async () => {
    if (loading || start === 0) return;
    loading = true;
    pause();
    try {
      prepend(await fetchPart(`before=${start}`));
    } catch (error) {
      complain(error);
    }
    loading = false;
    tell();
  };

  document.querySelector(".log-part").addEventListener("click", (event) => {
    if (event.target.closest(".earlier")) {
      event.preventDefault();
      earlier();
    }
  });

  // Following, and pausing.

  const pause = () => {
    if (following) {
      following = false;
      paused = 0;
    }
    tell();
  };

  const resume = async () => {
    try {
      if (end < known) restartWith(await fetchPart(`before=${known}`));
    } catch (error) {
      complain(error);
      return;
    }
    following = true;
    paused = 0;
    toEnd();
    tell();
  };

  goOn.addEventListener("click", async () => {
    await resume();
    // The button is hidden now, and whoever uses the keyboard goes on from the log.
    if (following) box.focus({ preventScroll: true });
  });

  // Who begins to scroll up is not thrown back to the end by the next line.
  const UPWARDS = ["ArrowUp", "PageUp", "Home"];
  const leaveEnd = () => { if (following && box.scrollTop > 0) pause(); };
  box.addEventListener("wheel", (event) => { if (event.deltaY < 0) leaveEnd(); }, { passive: true });
  box.addEventListener("keydown", (event) => { if (UPWARDS.includes(event.key)) leaveEnd(); });

  let lastTop = 0;
  box.addEventListener("scroll", () => {
    const up = box.scrollTop < lastTop;
    lastTop = box.scrollTop;
    if (up && following && !atEnd()) pause();
    else if (!up && !following && atEnd() && end >= known) resume();
    if (up && box.scrollTop < NEAR) earlier();
  });

  // What the server tells.

  const onLog = (part) => {
    showSize(part.size);
    document.getElementById("no-log")?.remove();
    if (following) {
      append(part);
      toEnd();
    } else {
      paused += part.lines.length;
      known = Math.max(known, part.end);
      tell();
    }
  };

  const onGap = (part) => {
    showSize(part.size);
    if (following) {
      restartWith(part);
      toEnd();
    } else {
      known = Math.max(known, part.end);
      paused += part.lines.length;
      tell();
    }
  };

  // The rest of the page is made by the server, as for everybody: its parts are replaced.
  const refresh = async () => {
    const answer = await fetch(build, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      if (part.contains(document.activeElement)) continue;
      const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
      if (other) part.replaceChildren(...other.childNodes);
    }
  };

  const position = () => (following ? end : Math.max(end, known));

  const listen = () => {
    if (over || source) return;
    const query = `attempt=${attempt}&from=${position()}&state=${state}`;
    source = new EventSource(`${build}/log/events?${query}`);
    source.addEventListener("log", (event) => onLog(JSON.parse(event.data)));
    source.addEventListener("gap", (event) => onGap(JSON.parse(event.data)));
    source.addEventListener("build", (event) => {
      state = event.data;
      refresh();
    });
    source.addEventListener("restart", (event) => {
      attempt = Number(event.data);
      known = 0;
      restartWith({ start: 0, end: 0, lines: [] });
    });
    source.addEventListener("end", (event) => {
      state = event.data;
      over = true;
      hush();
      refresh();
      tell();
    });
    source.addEventListener("refused", (event) => {
      over = true;
      hush();
      status.textContent = event.data;
    });
  };

  const hush = () => {
    source?.close();
    source = null;
  };

  // A page that nobody sees costs nobody anything.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hush();
    else listen();
  });
  addEventListener("pagehide", hush);
  addEventListener("pageshow", listen);

  document.querySelector(".log-nav .again")?.remove();
  if ("last" in box.dataset) toEnd();
  listen();
  tell();
})();

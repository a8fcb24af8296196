// What a browser may do besides: nothing on the page depends on it.
"use strict";

// A command is copied with one press.
for (const line of document.querySelectorAll(".command")) {
  const code = line.querySelector("code");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy the command " + code.textContent.split(" ", 2).join(" "));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      // Without a clipboard the line is marked, ready for the keys.
      getSelection().selectAllChildren(code);
      button.textContent = "Marked";
    }
  });
  line.append(button);
}

// How long ago, beside the moment itself.
const steps = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
for (const time of document.querySelectorAll("time")) {
  const seconds = Math.round((Date.now() - Date.parse(time.dateTime)) / 1000);
  const [size, unit] = steps.find(([size]) => Math.abs(seconds) >= size) ?? [1, "s"];
  const count = Math.floor(Math.abs(seconds) / size) + " " + unit;
  time.title = seconds >= 0 ? count + " ago" : "in " + count;
}

// The page loads itself again where somebody asked for it, and never while somebody reads or types.
const every = 30;
const key = "writeback-reload";
const toggle = document.createElement("button");
toggle.type = "button";
toggle.className = "reload";
toggle.textContent = "Reload every " + every + " s";
const shows = () => toggle.setAttribute("aria-pressed", String(sessionStorage.getItem(key) === "on"));
toggle.addEventListener("click", () => {
  sessionStorage.setItem(key, sessionStorage.getItem(key) === "on" ? "off" : "on");
  shows();
});
shows();
document.querySelector("header").append(toggle);
setInterval(() => {
  const busy = document.activeElement?.closest("main, form") || String(getSelection()) !== "";
  if (sessionStorage.getItem(key) === "on" && !busy && !document.hidden) {
    location.reload();
  }
}, every * 1000);

// A slash leads to the search, as in other tools.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  const search = document.getElementById("q");
  if (event.key === "/" && !typing && search && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
  }
});

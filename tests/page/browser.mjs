// The status page in a real Chromium: both themes, three widths, axe, the keyboard, and without JavaScript.
//
// Comes from: the address of a running daemon, a folder for screenshots, the file of axe-core.
// Goes to: standard output, one line for each fault; the exit status is 0 only without any.
// Chromium is driven over its own pipe (chromedevtools.github.io/devtools-protocol), so that nothing else is needed.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [base, folder, axeFile] = process.argv.slice(2);
if (!axeFile) {
  console.error("usage: browser.mjs ADDRESS SCREENSHOTS AXE");
  process.exit(64);
}
// Chromium starts within seconds; a busy machine may take its time.
const PATIENCE_MS = 300000;
const WIDTHS = [400, 900, 1600];
const THEMES = ["light", "dark"];
const faults = [];

/** One browser, spoken to over the pipe: messages are JSON, each ended by a NUL. */
class Browser {
  constructor() {
    this.profile = mkdtempSync(join(tmpdir(), "writeback-page-"));
    this.child = spawn(
      process.env.WRITEBACK_CHROMIUM ?? "chromium",
      [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        "--no-first-run", "--disable-extensions", "--disable-sync", "--disable-component-update",
        "--disable-background-networking", "--disable-default-apps", "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
        "--remote-debugging-pipe", `--user-data-dir=${this.profile}`, "about:blank",
      ],
      { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
    );
    this.next = 0;
    this.waiting = new Map();
    this.listeners = [];
    let rest = "";
    this.child.stdio[4].setEncoding("utf8").on("data", (text) => {
      const parts = (rest + text).split("\0");
      rest = parts.pop();
      parts.forEach((part) => this.take(JSON.parse(part)));
    });
  }

  take(message) {
    const open = this.waiting.get(message.id);
    if (open) {
      this.waiting.delete(message.id);
      message.error ? open.reject(new Error(message.error.message)) : open.resolve(message.result);
    }
    this.listeners.forEach((listener) => listener(message));
  }

  send(method, params = {}) {
    const id = ++this.next;
    const sessionId = this.session;
    this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    return patient(method, new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject })));
  }

  /** Loads a page, and goes on when that very page is there: another one may still be loading. */
  async go(path) {
    const loaded = new Set();
    let arrived = () => {};
    const listener = ({ method, params }) => {
      if (method === "Page.lifecycleEvent" && params.name === "load") {
        loaded.add(params.loaderId);
        arrived();
      }
    };
    this.listeners.push(listener);
    const { loaderId } = await this.send("Page.navigate", { url: base + path });
    await patient(`loading ${path}`, new Promise((resolve) => {
      arrived = () => loaded.has(loaderId) && resolve();
      arrived();
    }));
    this.listeners.splice(this.listeners.indexOf(listener), 1);
  }

  /** Resolves with the first event of this name from now on. */
  event(method) {
    return patient(method, new Promise((resolve) => {
      const listener = (message) => {
        if (message.method === method) {
          this.listeners.splice(this.listeners.indexOf(listener), 1);
          resolve(message.params);
        }
      };
      this.listeners.push(listener);
    }));
  }

  async attach() {
    const { targetInfos } = await this.send("Target.getTargets");
    const { targetId } = targetInfos.find((target) => target.type === "page");
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    this.session = sessionId;
    for (const domain of ["Page", "Runtime", "Network", "Log"]) {
      await this.send(`${domain}.enable`);
    }
    await this.send("Page.setLifecycleEventsEnabled", { enabled: true });
    this.listeners.push((message) => {
      if (message.method === "Network.requestWillBeSent" && !message.params.request.url.startsWith(base)) {
        faults.push(`asks elsewhere: ${message.params.request.url}`);
      }
      if (message.method === "Log.entryAdded" && message.params.entry.level === "error") {
        faults.push(`the browser complains: ${message.params.entry.text}`);
      }
      if (message.method === "Runtime.exceptionThrown") {
        faults.push(`the script fails: ${message.params.exceptionDetails.text}`);
      }
    });
  }

  async evaluate(expression) {
    const answer = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails) {
      throw new Error(answer.exceptionDetails.exception?.description ?? answer.exceptionDetails.text);
    }
    return answer.result.value;
  }

  /** Asks again until the answer is this one, or nobody has patience any more; gives the last answer. */
  async becomes(expression, wanted) {
    const end = Date.now() + PATIENCE_MS;
    let answer = await this.evaluate(expression);
    while (answer !== wanted && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      answer = await this.evaluate(expression);
    }
    return answer;
  }

  async press(key, text) {
    const event = { key, code: key, windowsVirtualKeyCode: { Tab: 9, Enter: 13 }[key] ?? 0, text };
    await this.send("Input.dispatchKeyEvent", { type: text ? "keyDown" : "rawKeyDown", ...event });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  async picture(name) {
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true });
    writeFileSync(join(folder, `${name}.png`), Buffer.from(data, "base64"));
  }

  async address() {
    const { currentIndex, entries } = await this.send("Page.getNavigationHistory");
    return entries[currentIndex].url.slice(base.length);
  }

  async end() {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    await this.send("Browser.close").catch(() => this.child.kill());
    await gone;
    // What it started may write a last file there.
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 30, retryDelay: 100 });
  }
}

function patient(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer to ${what}`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function check(holds, fault) {
  if (!holds) {
    faults.push(fault);
  }
}

/** Every page in both themes at three widths: axe, no sideways scrolling, a picture. */
async function looks(browser, pages) {
  const axe = readFileSync(axeFile, "utf8");
  for (const theme of THEMES) {
    const features = [{ name: "prefers-color-scheme", value: theme }];
    await browser.send("Emulation.setEmulatedMedia", { features });
    for (const width of WIDTHS) {
      const metrics = { width, height: 900, deviceScaleFactor: 1, mobile: false };
      await browser.send("Emulation.setDeviceMetricsOverride", metrics);
      for (const [name, path] of pages) {
        const where = `${name} ${theme} ${width}`;
        await browser.go(path);
        await browser.evaluate(axe);
        const found = await browser.evaluate("axe.run(document, { resultTypes: ['violations'] })");
        for (const violation of found.violations) {
          const nodes = violation.nodes.slice(0, 3).map((node) => node.html + " " + node.failureSummary);
          faults.push(`${where}: axe ${violation.id}: ${violation.help}\n    ${nodes.join("\n    ")}`);
        }
        check(found.passes.length > 10, `${where}: axe looked at nothing`);
        const wide = await browser.evaluate("document.documentElement.scrollWidth - innerWidth");
        check(wide <= 0, `${where}: ${wide} px are outside of the window`);
        const ground = await browser.evaluate("getComputedStyle(document.documentElement).backgroundColor");
        const light = Number(ground.match(/\d+/)[0]) > 128;
        check(light === (theme === "light"), `${where}: the ground is ${ground}`);
        const strange = await browser.evaluate("document.querySelectorAll('main :is(img, script, iframe, b > b, [onerror], [onload])').length");
        check(strange === 0, `${where}: a name became markup`);
        await browser.picture(`${name}-${theme}-${width}`);
      }
    }
  }
}

/** What has the focus, in a word or two, and whether that shows. */
const FOCUSED = `(() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  const shows = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return { word: at.id ? "#" + at.id : at.className || at.getAttribute("href") || at.localName,
           href: at.getAttribute("href") ?? "", shows, isLink: at.localName === "a" && !!at.closest("tbody") };
})()`;

/** From the top to the first group by Tab alone, and into it by Enter. */
async function keyboard(browser) {
  await browser.go("/groups");
  const walk = [];
  for (let step = 0; step < 60; step += 1) {
    await browser.press("Tab");
    const focused = await browser.evaluate(FOCUSED);
    walk.push(focused.word);
    check(focused.shows, `the focus on ${focused.word} cannot be seen`);
    if (focused.isLink) {
      const opened = browser.event("Page.loadEventFired");
      await browser.press("Enter", "\r");
      await opened;
      check((await browser.address()) === focused.href, `Enter on ${focused.href} leads to ${await browser.address()}`);
      break;
    }
  }
  const order = ["skip", "#q", "#member", "#state", "#policy"].map((word) => walk.indexOf(word));
  const ordered = order.every((place, index) => place >= 0 && (index === 0 || place > order[index - 1]));
  check(ordered && order[0] === 0, `the way by Tab is ${walk.join(" ")}`);
  check((await browser.address()).startsWith("/groups/"), `by Tab no group is reached: ${walk.join(" ")}`);
  console.log(`keyboard: ${walk.length} steps to the first group`);

  await browser.go("/groups");
  await browser.press("Tab");
  await browser.press("Enter", "\r");
  const skipped = await browser.becomes("document.activeElement.id", "content");
  check(skipped === "content", `the way around the navigation leads to ${skipped}`);

  await browser.go("/groups");
  await browser.press("/", "/");
  check((await browser.becomes("document.activeElement.id", "q")) === "q", "a slash does not lead to the search");
}

/** Searching works where no script runs. */
async function plain(browser) {
  await browser.send("Emulation.setScriptExecutionDisabled", { value: true });
  await browser.go("/groups");
  const { root } = await browser.send("DOM.getDocument");
  const field = await browser.send("DOM.querySelector", { nodeId: root.nodeId, selector: "#q" });
  await browser.send("DOM.focus", field);
  await browser.send("Input.insertText", { text: "engine" });
  const answered = browser.event("Page.loadEventFired");
  await browser.press("Enter", "\r");
  await answered;
  const address = await browser.address();
  check(address.startsWith("/groups?q=engine"), `without a script the search leads to ${address}`);
  const page = await browser.send("DOM.getDocument");
  const rows = await browser.send("DOM.querySelectorAll", { nodeId: page.root.nodeId, selector: "tbody tr" });
  check(rows.nodeIds.length === 1, `without a script the search finds ${rows.nodeIds.length} groups`);
  const buttons = await browser.send("DOM.querySelectorAll", { nodeId: page.root.nodeId, selector: "button:not([type=submit])" });
  check(buttons.nodeIds.length === 0, "without a script there are buttons that do nothing");
  await browser.send("Emulation.setScriptExecutionDisabled", { value: false });
}

mkdirSync(folder, { recursive: true });
const browser = new Browser();
try {
  await browser.attach();
  const groups = await (await fetch(base + "/api/v1/groups")).json();
  const named = (state) => groups.items.find((group) => group.state === state);
  const held = named("held") ?? groups.items[0];
  const hostile = groups.items.find((group) => group.displayName.includes("<script>")) ?? groups.items[0];
  const pages = [
    ["overview", "/"],
    ["groups", "/groups"],
    ["filtered", "/groups?state=in_step&q=o"],
    ["held", `/groups/${held.id}`],
    ["hostile", `/groups/${hostile.id}`],
    ["plan", "/plan"],
  ];
  await looks(browser, pages);
  await browser.send("Emulation.setDeviceMetricsOverride", { width: 900, height: 900, deviceScaleFactor: 1, mobile: false });
  await keyboard(browser);
  await plain(browser);
  console.log(`${pages.length * THEMES.length * WIDTHS.length} pictures in ${folder}`);
} catch (error) {
  faults.push(String(error.stack ?? error));
} finally {
  await browser.end();
}
faults.forEach((fault) => console.log(`! ${fault}`));
process.exitCode = faults.length === 0 ? 0 : 1;

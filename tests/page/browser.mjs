// The status page in a real Chromium. `looks`: both themes, three widths, axe, the keyboard, and without JavaScript; `lists`: 20,000
// groups, paged and searched with and without JavaScript.
//
// Comes from: which of both, the address of a running daemon, a folder for screenshots, the file of axe-core.
// Goes to: standard output, one line for each fault; the exit status is 0 only without any.
// Chromium is driven over its own pipe (chromedevtools.github.io/devtools-protocol), so that nothing else is needed.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [mode, base, folder, axeFile] = process.argv.slice(2);
if (!axeFile || !["looks", "lists"].includes(mode)) {
  console.error("usage: browser.mjs looks|lists ADDRESS SCREENSHOTS AXE");
  process.exit(64);
}
// Chromium starts within seconds; a busy machine may take its time.
const PATIENCE_MS = 300000;
const WIDTHS = [400, 900, 1600];
const THEMES = ["light", "dark"];
// How many groups `lists` is shown, and how many rows a page has where nothing is asked for, and at most.
const GROUPS = 20000;
const ROWS = 100;
const ROWS_MAX = 500;
// A row has some 15 elements, the page around them some 100: all of the groups would have 300,000.
const ELEMENTS_OF_A_ROW = 20;
const ELEMENTS_AROUND = 300;
// A page of 500 rows takes some 0.1 s: this is no speed to reach, but what nobody would wait for on whatever machine.
const STALL_MS = 10000;
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
      if (message.method === "Runtime.consoleAPICalled" && ["error", "assert"].includes(message.params.type)) {
        faults.push(`the console has an error: ${JSON.stringify(message.params.args)}`);
      }
      // What was under way when another page was asked for is cancelled, not failed.
      if (message.method === "Network.loadingFailed" && !message.params.canceled) {
        faults.push(`a request failed: ${message.params.type} ${message.params.errorText}`);
      }
      if (message.method === "Network.responseReceived" && message.params.response.status >= 400) {
        faults.push(`a request failed: ${message.params.response.status} ${message.params.response.url}`);
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

  /** What a selector finds, by the browser's own hand: also where no script runs. */
  async find(selector) {
    const { root } = await this.send("DOM.getDocument");
    return (await this.send("DOM.querySelectorAll", { nodeId: root.nodeId, selector })).nodeIds;
  }

  async markup(nodeId) {
    return (await this.send("DOM.getOuterHTML", { nodeId })).outerHTML;
  }

  /** Enter on this element, which leads to another page. */
  async enter(nodeId, text = "") {
    await this.send("DOM.focus", { nodeId });
    await this.send("Input.insertText", { text });
    const answered = this.event("Page.loadEventFired");
    await this.press("Enter", "\r");
    await answered;
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
  const [field] = await browser.find("#q");
  await browser.enter(field, "engine");
  const address = await browser.address();
  check(address.startsWith("/groups?q=engine"), `without a script the search leads to ${address}`);
  const rows = await browser.find("tbody tr");
  check(rows.length === 1, `without a script the search finds ${rows.length} groups`);
  const buttons = await browser.find("button:not([type=submit])");
  check(buttons.length === 0, "without a script there are buttons that do nothing");
  await browser.send("Emulation.setScriptExecutionDisabled", { value: false });
}

/** Remembers for how long (ms) each task held the main thread, from the first moment of every page. */
const OBSERVED = `
  window.held = [];
  window.observer = new PerformanceObserver((list) => list.getEntries().forEach((entry) => held.push(entry.duration)));
  observer.observe({ type: "longtask" });
`;

/** How long (ms) the main thread has computed up to now. */
async function computed(browser) {
  const { metrics } = await browser.send("Performance.getMetrics");
  return 1000 * metrics.find((metric) => metric.name === "TaskDuration").value;
}

/** One list, once `load` has led there: its rows, what it says of the others, and that it never held the main thread. */
async function list(browser, where, scripted, load, rows, says) {
  const before = await computed(browser);
  await load();
  // Nothing has been laid out and painted for certain before there is a picture of it.
  await browser.send("Page.captureScreenshot");
  // Another process may have taken the page, which counts from nothing.
  const after = await computed(browser);
  const spent = after < before ? after : after - before;
  check(spent > 0 && spent < STALL_MS, `${where}: the main thread computed for ${spent} ms`);
  if (scripted) {
    const held = await browser.evaluate("held.concat(observer.takeRecords().map((entry) => entry.duration))");
    check(Math.max(0, ...held) < STALL_MS, `${where}: the main thread was held for ${held} ms`);
  }
  const found = (await browser.find("tbody tr")).length;
  check(found === rows, `${where}: ${found} rows instead of ${rows}`);
  const elements = (await browser.find("*")).length;
  const elementsMax = ELEMENTS_AROUND + rows * ELEMENTS_OF_A_ROW;
  check(elements > rows && elements <= elementsMax, `${where}: ${elements} elements, more than ${elementsMax}`);
  const [main] = await browser.find("main");
  const words = (await browser.markup(main)).replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
  for (const text of says) {
    check(words.includes(text), `${where}: nothing says "${text}"`);
  }
  console.log(`${where}: ${found} rows, ${elements} elements, ${Math.round(spent)} ms`);
}

/** The lists of 20,000 groups: the first page, the largest one, the one after it, the last one, and one group that is searched. */
async function lists(browser) {
  await browser.send("Page.addScriptToEvaluateOnNewDocument", { source: OBSERVED });
  // Time that other programs take from the machine is not the page's.
  await browser.send("Performance.enable", { timeDomain: "threadTicks" });
  let seen = 0;
  for (const scripted of [true, false]) {
    await browser.send("Emulation.setScriptExecutionDisabled", { value: !scripted });
    const look = async (name, load, rows, says) => {
      await list(browser, `${name} ${scripted ? "with" : "without"} scripts`, scripted, load, rows, says);
      seen += 1;
    };
    const follow = async (way) => {
      for (const link of await browser.find(".pager a")) {
        if ((await browser.markup(link)).includes(`>${way}<`)) {
          return browser.enter(link);
        }
      }
      throw new Error(`no way to the page "${way}"`);
    };
    const all = `${GROUPS} groups found`;
    await look("first", () => browser.go("/groups"), ROWS, [all, `1 to ${ROWS} of ${GROUPS}`, "Department 00099 "]);
    const largest = `/groups?limit=${ROWS_MAX}`;
    await look("largest", () => browser.go(largest), ROWS_MAX, [all, `1 to ${ROWS_MAX} of ${GROUPS}`, "Department 00499 "]);
    const second = `${ROWS_MAX + 1} to ${2 * ROWS_MAX} of ${GROUPS}`;
    await look("next", () => follow("Next"), ROWS_MAX, [all, second, "Department 00500 ", "Department 00999 "]);
    const last = `${GROUPS - ROWS_MAX + 1} to ${GROUPS} of ${GROUPS}`;
    await look("last", () => follow("Last"), ROWS_MAX, [all, last, "Department 19999 "]);
    const search = async () => browser.enter((await browser.find("#q"))[0], "department 12345");
    await look("search", search, 1, [`1 group found of ${GROUPS}`, "Department 12345 "]);
    if (scripted) {
      // That no task was long is worth something only where a long one is noticed.
      await browser.evaluate("setTimeout(() => { const end = performance.now() + 200; while (performance.now() < end); }, 0)");
      const observed = await browser.becomes("held.some((duration) => duration >= 100)", true);
      check(observed === true, "nobody observes what holds the main thread");
    }
  }
  console.log(`${seen} lists without a stall`);
}

/** Everything about the looks of a small estate. */
async function estate(browser) {
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
}

mkdirSync(folder, { recursive: true });
const browser = new Browser();
try {
  await browser.attach();
  await (mode === "looks" ? estate : lists)(browser);
} catch (error) {
  faults.push(String(error.stack ?? error));
} finally {
  await browser.end();
}
faults.forEach((fault) => console.log(`! ${fault}`));
process.exitCode = faults.length === 0 ? 0 : 1;

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

import { isExecutable } from "./example.js";

/** How long anything on a page may take. */
export const STEP = 8_000;
export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = (process.env.CHROMIUM ? [process.env.CHROMIUM] : PLACES).find(isExecutable);
const MISSING = "no Chromium found; set CHROMIUM to its path";

/** Options of a test that needs a browser: without one it is skipped, but not in CI. */
export const inBrowser = { skip: executablePath || process.env.CI ? false : MISSING, timeout: 90_000 };

/** A browser that ends with the test. */
export async function launch(t) {
  assert.ok(executablePath, MISSING);
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    timeout: 15_000,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  t.after(() => browser.close());
  return browser;
}

/**
 * An empty page with a profile of its own. Failed requests and exceptions are added to `problems`, with `name`
 * in front; at the end of a test there should be none.
 */
export async function newPage(browser, name, problems, options = {}) {
  const context = await browser.newContext({ ...DESKTOP, locale: "en-GB", ...options });
  context.setDefaultTimeout(STEP);
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(`${name}: ${error}`));
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${name}: ${response.status()} ${response.url()}`);
  });
  return page;
}

/** Runs a subtest; the ones after a failed one would only fail for the same reason. */
export async function step(t, name, body) {
  let failure;
  await t.test(name, async () => {
    try {
      await body();
    } catch (error) {
      failure = error;
      throw error;
    }
  });
  if (failure) throw new Error(`stopped after "${name}"`);
}

/** A picture of the page in the folder named by SCREENSHOTS, if it is. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
}

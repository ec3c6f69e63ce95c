// SPDX-License-Identifier: Apache-2.0
// page.mjs - the page in a real browser. Usage: node tests/e2e/page.mjs http://127.0.0.1:8471 FOLDER-FOR-PICTURES
//
// Visits every page as a person would, in light and dark, wide and narrow; fills the form and reads the answer; demands that
// nothing is fetched from elsewhere, nothing fails in the console, nothing hangs over the edge of a narrow screen. Prints
// {"prediction_id": ...} of the prediction that it asked for. The server must have a registered model.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [base, folder] = process.argv.slice(2);
if (!base || !folder) {
  console.error("usage: node page.mjs BASE-URL FOLDER");
  process.exit(64);
}
const { chromium } = createRequire(new URL("../../web/package.json", import.meta.url))("playwright-core");
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const profile = mkdtempSync(join(tmpdir(), "tarn-page-"));
mkdirSync(folder, { recursive: true });

const faults = [];
const origin = new URL(base).origin;
const browser = await chromium.launchPersistentContext(profile, { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags, viewport: { width: 1360, height: 900 }, colorScheme: "light" });
const page = browser.pages()[0] ?? (await browser.newPage());
let expecting = false; // an error reply that the test provokes
page.on("console", (m) => m.type() === "error" && !expecting && faults.push(`console: ${m.text()}`));
page.on("pageerror", (e) => faults.push(`error in the page: ${e.message}`));
page.on("request", (r) => !r.url().startsWith(origin) && !r.url().startsWith("data:") && faults.push(`fetched from elsewhere: ${r.url()}`));
page.on("requestfailed", (r) => r.failure()?.errorText !== "net::ERR_ABORTED" && faults.push(`request failed: ${r.url()}`));
page.setDefaultTimeout(20000);

/** Show a page and wait until it is whole. */
async function visit(hash) {
  await page.goto(`${base}/#/${hash}`);
  await page.locator("h1, .empty, .problem").first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[role="status"]'));
  await page.evaluate(async () => {
    for (const img of document.images) img.loading = "eager";
    await Promise.all([...document.images].map((i) => i.decode().catch(() => undefined)));
  });
}

const text = async (selector) => (await page.locator(selector).first().innerText()).trim();

/** What every page must have: one heading, names for all that can be operated, words for all pictures. */
async function checkManners(name) {
  const bad = await page.evaluate(() => {
    const out = [];
    if (document.querySelectorAll("h1").length !== 1) out.push(`${document.querySelectorAll("h1").length} main headings`);
    for (const e of document.querySelectorAll("input, select")) if (!e.labels?.length) out.push(`no label: ${e.name}`);
    for (const e of document.querySelectorAll("button, a")) if (!(e.innerText.trim() || e.getAttribute("aria-label"))) out.push("a button or link without name");
    for (const e of document.images) {
      if (!e.alt) out.push(`no words for ${e.src}`);
      if (!e.naturalWidth) out.push(`not shown: ${e.src}`);
    }
    const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) out.push(`two things have the id ${id}`);
    return out;
  });
  for (const what of bad) faults.push(`${name}: ${what}`);
}

/** Pictures of the page as it is now, in all four forms. */
async function shoot(name) {
  for (const [size, width] of [["wide", 1360], ["narrow", 375]]) {
    for (const scheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) faults.push(`${name}: ${over} pixels wider than a screen of ${width}`);
      await page.screenshot({ path: join(folder, `${name}-${size}-${scheme}.png`), fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1360, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}

async function look(hash, name) {
  await visit(hash);
  await checkManners(name);
  await shoot(name);
}

async function home() {
  await look("", "home");
  assert.equal(await page.locator(".chain > li").count(), 9, "nine stages");
  assert.ok((await page.locator(".chain > li.lit").count()) >= 6, "the stages that exist are lit");
  assert.ok((await page.locator(".figures dt").count()) >= 4, "the champion's figures");
  assert.match(await text(".commands"), /tarn run/);
  await page.reload();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content", "the first thing that the keyboard reaches");
}

async function runs() {
  await look("runs", "runs");
  await page.locator("tbody a").first().click();
  await page.locator(".facts").waitFor();
  assert.ok((await page.locator("tbody tr").count()) > 0, "steps of a run");
  await checkManners("run");
  await shoot("run");
}

async function models() {
  await look("models", "models");
  assert.match(await text("tbody"), /champion/);
  await page.locator("tbody a").first().click();
  await page.locator("#figures").waitFor();
  await page.waitForFunction(() => [...document.images].length > 0 && [...document.images].every((i) => i.alt));
  await visit(new URL(page.url()).hash.slice(2));
  await page.waitForFunction(() => [...document.images].every((i) => i.alt && i.complete));
  assert.ok(await page.locator("figure img").count() >= 5, "pictures");
  assert.match(await text(".commands"), /tarn reproduce/);
  await checkManners("card");
  await shoot("card");
  const report = await page.request.get(await page.locator('a[href$="report.html"]').first().evaluate((a) => a.href));
  assert.equal(report.status(), 200);
  assert.match(report.headers()["content-security-policy"], /sandbox/);
}

async function tryIt() {
  await visit("try");
  await page.getByRole("button", { name: "Fill what is empty" }).click();
  await page.getByRole("button", { name: "Predict", exact: true }).click();
  const id = await text('[data-test="id"]');
  assert.match(id, /^p-[0-9a-z]{13}-\d+-[0-9a-z]{2}$/);
  assert.ok((await text('[data-test="label"]')).length > 0);
  assert.match(await text('[data-test="probability"]'), /^\d+\.\d %$/);
  assert.match(await text("aside"), new RegExp(`tarn why ${id}`));
  assert.match(await text("aside"), /curl -s http/);
  await checkManners("try");
  await shoot("try");
  const why = await page.request.get(`${base}/api/why/${id}`);
  assert.equal(why.status(), 200, "the prediction can be explained at once");
  const number = page.locator('input[type="number"]').first();
  await number.fill("1e300");
  assert.match(await text("small.off"), /outside of what it has seen/);
  const before = await text('[data-test="id"]');
  await page.getByRole("button", { name: "Predict", exact: true }).click();
  await page.waitForFunction((old) => document.querySelector('[data-test="id"]')?.textContent !== old, before);
  return id;
}

async function errors() {
  expecting = true;
  await visit("models/nothing/1");
  assert.match(await text(".problem"), /nothing/);
  await visit("nowhere");
  assert.match(await text(".empty"), /no such page/);
  await page.route("**/serve/*", (r) => r.abort());
  await visit("try");
  await page.getByRole("button", { name: "Predict", exact: true }).click();
  assert.match(await text(".problem"), /does not answer/);
  await page.unroute("**/serve/*");
}

let failed = null;
let id = "";
try {
  await home();
  await runs();
  await models();
  id = await tryIt();
  await page.waitForTimeout(100);
  const seen = faults.splice(0);
  await errors();
  faults.splice(0, faults.length, ...seen);
} catch (e) {
  failed = e;
  await page.screenshot({ path: join(folder, "failed.png"), fullPage: true }).catch(() => undefined);
}
await browser.close();
rmSync(profile, { recursive: true, force: true });
for (const f of faults) console.error(f);
if (failed) console.error(failed.stack);
if (failed || faults.length) process.exit(1);
console.log(JSON.stringify({ prediction_id: id }));

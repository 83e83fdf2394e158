import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const CANDIDATES = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
const SWITCHES = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"];

/** Path of a browser; undefined: this machine has none. */
export const BROWSER = CANDIDATES.find((path) => path !== undefined && existsSync(path));

/** Starts the browser of this machine. */
export function launchBrowser(): Promise<Browser> {
  if (BROWSER === undefined)
    throw new Error("no browser: install the package chromium, or set CHROMIUM to the path of one");
  return chromium.launch({ executablePath: BROWSER, args: SWITCHES, chromiumSandbox: false });
}

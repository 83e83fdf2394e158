import { resolve } from "node:path";
import { launchBrowser } from "../fakes/browser.ts";
import { until } from "../fakes/sockets.ts";
import { scene, sceneMetrics } from "./scene.ts";
import { Visit } from "./visit.ts";

// Makes the README's picture of the debug page: `node test/page/picture-main.ts [FILE] [--dark] [--width=PX] [--close]`.

const [file = "docs/pictures/debug.png"] = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const dark = process.argv.includes("--dark");
const width = Number(process.argv.find((word) => word.startsWith("--width="))?.slice(8) ?? 1280);

const browser = await launchBrowser();
const visit = await Visit.live(browser, { dark, width, prepare: (it) => (it.metrics = sceneMetrics(0)) });
const { page, server } = visit;
await page.setViewportSize({ width, height: width < 800 ? 800 : 620 });
scene(server);
const began = Date.now();
const counting = setInterval(() => (server.metrics = sceneMetrics((Date.now() - began) / 2000)), 50);
for (let second = 1; second <= 12; second += 1) {
  for (const session of server.sessions.values()) {
    const pace = 1 + (session.id.charCodeAt(2) % 7);
    const more = Math.max(0, Math.round(pace * (4 + 3 * Math.sin(second / 2 + pace))));
    const { messages, bytes } = session;
    session.messages = { fromClient: messages.fromClient + more, fromBackend: messages.fromBackend + 2 * more };
    session.bytes = { fromClient: bytes.fromClient + 90 * more, fromBackend: bytes.fromBackend + 400 * more };
  }
  await page.waitForTimeout(2000);
}
if (!process.argv.includes("--closed")) {
  await page.locator("#rows .row").filter({ hasText: "CredentialExpired" }).first().click();
  await until("the panel is open", () => page.locator("#panel").isVisible());
}
await page.screenshot({ path: resolve(file) });
clearInterval(counting);
if (visit.complaints.length > 0) console.error(visit.complaints.join("\n"));
await visit.end();
await browser.close();

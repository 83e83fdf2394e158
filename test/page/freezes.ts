import type { Page } from "playwright-core";

/** Between two times at which something happens, in ms. */
const EACH = 50;

/**
 * The longest time that the page's thread was busy while something happened 20 times a second, for three seconds. What other
 * processes of the machine take from it while nothing happens is counted off.
 */
export async function freezes(page: Page, happens: () => void): Promise<{ milliseconds: number }> {
  const idle = await longestTurn(page, 1500);
  const timer = setInterval(happens, EACH);
  const busy = await longestTurn(page, 3000).finally(() => clearInterval(timer));
  return { milliseconds: busy - idle };
}

function longestTurn(page: Page, time: number): Promise<number> {
  return page.evaluate(async (milliseconds) => {
    let most = 0;
    const end = performance.now() + milliseconds;
    for (let last = performance.now(); last < end;) {
      await new Promise((next) => setTimeout(next, 0));
      const now = performance.now();
      most = Math.max(most, now - last);
      last = now;
    }
    return most;
  }, time);
}

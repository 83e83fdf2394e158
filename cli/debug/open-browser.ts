import { spawn } from "node:child_process";

/** How a system opens a URL. */
const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};
const USUAL = ["xdg-open"] as const;

/** Opens a URL with the system's browser. It never fails: where there is no browser, nothing happens. */
export function openBrowser(url: string, platform: string, env: NodeJS.ProcessEnv): void {
  const [program = "", ...args] = OPENERS[platform] ?? USUAL;
  try {
    const child = spawn(program, [...args, url], { env, stdio: "ignore", detached: true, windowsHide: true });
    child.on("error", () => {});
    child.unref();
  } catch {
    // The system starts no program.
  }
}

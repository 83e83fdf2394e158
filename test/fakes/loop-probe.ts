import { monitorEventLoopDelay } from "node:perf_hooks";

/** Loaded before a program that a test runs: tells the test what the process uses and how long its event loop stood. */
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

process.on("message", (what) => {
  if (what === "reset") delay.reset();
  const { user, system } = process.cpuUsage();
  process.send?.({ longest: delay.max / 1e6, rss: process.memoryUsage.rss(), cpu: (user + system) / 1000 });
});

// Loaded into a program before its own code. Reports its usage to the test that started it, and the longest turn of its
// event
// loop. Measured in CPU time, which does not depend on other work of the machine.

const TICK = 2;

let last = cpu();
let longest = 0;

function cpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

setInterval(() => {
  const now = cpu();
  longest = Math.max(longest, now - last);
  last = now;
}, TICK).unref();

process.on("message", (what) => {
  process.send?.({ longest: Math.max(longest, cpu() - last), rss: process.memoryUsage.rss(), cpu: cpu() });
  if (what !== "reset") return;
  last = cpu();
  longest = 0;
});
process.channel?.unref();

// Loaded into a program before its own code: reports to the test what the program uses, and how long its event loop
// was busy at most without a turn for others. Counted in CPU time: other work of the machine does not count.

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

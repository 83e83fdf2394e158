import { exitOnFault, faultText, type Faults } from "../runtime/faults.ts";
import { onSignals } from "../runtime/shutdown.ts";
import { EXIT } from "./line/exit-codes.ts";
import { runCommandLine } from "./run.ts";

// A reader that closed the pipe (`wsproxy check … | head`) is no fault.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const faults: Faults = { report: (fault) => void process.stderr.write(`wsproxy: fault: ${faultText(fault)}\n`) };
exitOnFault(faults, EXIT.fault);

const code = await runCommandLine(process.argv.slice(2), {
  stdin: process.stdin,
  out: process.stdout,
  err: process.stderr,
  faults,
  signals: () => onSignals([process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)),
});
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write("", done))));
process.exit(code);

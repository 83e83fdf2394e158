import { parentPort, workerData } from "node:worker_threads";
import { ManifestReader, type GatewayState } from "./reading.ts";

// The thread that `threaded-reader.ts` starts: answers each message with a reading. A fault ends the thread, and the
// reader
// rejects with it.

const reader = new ManifestReader(workerData as readonly string[]);

parentPort?.on("message", (gateway: GatewayState) => {
  void reader.read(gateway).then((reading) => parentPort?.postMessage(reading));
});

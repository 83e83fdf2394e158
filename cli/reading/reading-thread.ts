import { parentPort, workerData } from "node:worker_threads";
import { ManifestReader, type Question } from "./reading.ts";

// The thread that `threaded-reader.ts` starts: answers each question with a reading. A fault ends it, and is told there.

const reader = new ManifestReader(workerData as readonly string[]);

parentPort?.on("message", (question: Question) => {
  void reader.read(question).then((reading) => parentPort?.postMessage(reading));
});

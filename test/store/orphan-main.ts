import { argv } from "node:process";
import { StoreServer } from "./server.ts";

// A process that starts a server and never ends it. A node of a Cluster, since that one has a file.

const server = await StoreServer.start(["--cluster-enabled", "yes"], argv[2]);
server.freeze();
process.stdout.write(`${JSON.stringify({ pid: server.pid, folder: server.folder })}\n`);
setInterval(() => {}, 60_000);

import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createServer } from "node:tls";

// Ends TLS before the backend of its pod, where it runs as it is, out of a ConfigMap: PORT takes every client, the next port
// clients that show a certificate of the same authority.
const [folder = "", port = "", backend = ""] = process.argv.slice(2);
const file = (name: string): Buffer => readFileSync(`${folder}/${name}`);
const pair = { cert: file("tls.crt"), key: file("tls.key") };

for (const mutual of [false, true]) {
  const server = createServer({ ...pair, ca: file("ca.crt"), requestCert: mutual, rejectUnauthorized: mutual });
  server.on("secureConnection", (client) => {
    const behind = connect(Number(backend), "127.0.0.1");
    join(client, behind);
    join(behind, client);
  });
  server.listen(Number(port) + (mutual ? 1 : 0), "0.0.0.0");
}

function join(from: Socket, to: Socket): void {
  from.on("error", () => to.destroy());
  from.on("close", () => to.destroy());
  from.pipe(to);
}

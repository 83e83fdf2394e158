import { hostname } from "node:os";
import { startSampleBackend } from "../../examples/sample-backend/server.ts";
import { PortUnavailable } from "../../runtime/admin-port/admin-server.ts";
import { UsageError } from "../line/arguments.ts";
import type { Command } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { hostPort } from "../../runtime/host-port.ts";
import { aborted } from "../../runtime/aborted.ts";

/** `wsproxy sample-backend`: serves the sample backend until a signal stops it. */
export const sampleBackend: Command = {
  synopsis: "[--port PORT] [--address ADDRESS] [--name NAME]",
  about: `A WebSocket backend to try the gateway with. It sends back what it gets, text as text and binary as binary.
Paths: /headers sends the handshake's headers first, /clock the time each second, /name which pod it is.
Over plain HTTP it serves a page from which a browser connects through the gateway.`,
  options: {
    port: { value: "PORT", default: "9000", help: "port to listen on; 0: one that is free" },
    address: { value: "ADDRESS", default: "127.0.0.1", help: "address to listen on; :: in a container: every one" },
    name: { value: "NAME", help: "which pod this is; default: the host's name" },
    gateway: { value: "URL", default: "ws://127.0.0.1:8080/chat", help: "where the page connects" },
  },
  async run(args, { err, signals }) {
    const options = {
      port: args.port("port"),
      address: args.address("address"),
      name: args.optional("name") ?? hostname(),
      gateway: args.text("gateway"),
    };
    if (!/^[\x21-\x7e]{1,253}$/.test(options.name)) throw new UsageError("--name must be visible ASCII, at most 253");
    if (!/^wss?:$/.test(URL.parse(options.gateway)?.protocol ?? ""))
      throw new UsageError("--gateway is not a ws:// URL");
    const { stop } = signals();
    try {
      const backend = await startSampleBackend({ ...options, signal: stop });
      err.write(`sample backend: http://${hostPort(backend.address, backend.port)}/\n`);
      await aborted(stop);
      await backend.close();
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof PortUnavailable)) throw error;
      err.write(`wsproxy sample-backend: ${error.message}\n`);
      return EXIT.unavailable;
    }
  },
};

import { bufferBudget, bufferBudgetOption } from "../line/buffer-budget.ts";
import type { Command } from "../line/command.ts";

/** `wsproxy dataplane`: serves the rendered config of a folder, and each newer one that it accepts. */
export const dataplane: Command = {
  synopsis: "--config DIR [options]",
  about: `The data plane of one WebSocketProxy. It serves the rendered config in a folder, which an operator keeps up
to date: config.json and endpoints.json, or the same packed as a cluster mounts them. It puts a change in force within
about a second. A config that it does not accept changes nothing; it is logged and counted. Until there is a config it waits,
and /readyz answers 503. A folder without a config for 5 s means that the config was removed: sessions end, handshakes get
404, until there is a config again. The file admin-token in the folder is the token for /config and /sessions; without it
they refuse every request.
SIGTERM: not ready at once, the listener closes after --shutdown-delay, then the sessions end over the drain period.
A second signal ends everything at once. "wsproxy drain" begins the same; the process then ends at SIGTERM.`,
  options: {
    config: { value: "DIR", help: "folder with the rendered config" },
    address: { value: "ADDRESS", default: "::", help: "address of the listener; :: is every one, IPv4 too" },
    "listener-port": { value: "PORT", default: "0", help: "port of the listener; 0: the one of the config" },
    "admin-address": { value: "ADDRESS", default: "::", help: "address of the admin port; [::1]:9090 with its port" },
    "admin-port": { value: "PORT", default: "9090", help: "port for /metrics, /healthz, /readyz; 0: none" },
    "buffer-budget": bufferBudgetOption,
    "shutdown-delay": { value: "TIME", default: "5s", help: "how long a stopping pod still accepts connections" },
    "idle-shutdown-delay": {
      value: "TIME",
      help: "the same while it has no session; default: that of --shutdown-delay",
    },
  },
  async run(args, io) {
    const admin = args.addressAndPort("admin-address", "admin-port");
    const grace = args.duration("shutdown-delay");
    const options = {
      folder: args.text("config"),
      address: args.address("address"),
      listenerPort: args.port("listener-port"),
      adminAddress: admin.address,
      adminPort: admin.port,
      bufferBudget: bufferBudget(args),
      grace,
      idleGrace: args.optional("idle-shutdown-delay") === undefined ? grace : args.duration("idle-shutdown-delay"),
    };
    const { serveFolder } = await import("../serving/serve-folder.ts");
    return serveFolder(options, io);
  },
};

import { UsageError } from "../line/arguments.ts";
import type { Command } from "../line/command.ts";

/** `wsproxy drain`: the preStop hook of a data plane's container. */
export const drain: Command = {
  synopsis: "--config DIR [--admin-port PORT]",
  about: `Stops the data plane on this machine as SIGTERM does, and waits until it has drained: not ready at once, the
listener closes after --shutdown-delay, then the sessions end over the drain period. It is the preStop hook of a container:
the data plane itself ends at the SIGTERM that follows. The token is the file admin-token in the folder of the data plane's
config. A second call begins nothing new, and waits as the first. Ends with 0 once the data plane has drained, with 69 where
there is no token or no data plane, with 1 where the data plane refuses.`,
  options: {
    config: { value: "DIR", help: "folder with the rendered config of the data plane" },
    "admin-port": { value: "PORT", default: "9090", help: "admin port of the data plane, on 127.0.0.1 or ::1" },
  },
  async run(args, io) {
    const folder = args.text("config");
    const port = args.port("admin-port");
    if (port === 0) throw new UsageError("--admin-port 0 is no port that could be asked");
    const { askToDrain } = await import("../serving/ask-to-drain.ts");
    return askToDrain(folder, port, io.err);
  },
};

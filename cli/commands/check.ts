import { ADMIN_PORT } from "../../api/meta.ts";
import { UsageError, type Arguments } from "../line/arguments.ts";
import type { Command } from "../line/command.ts";

/** `wsproxy check`: translates manifests without a gateway and prints their conditions and mistakes. */
export const check: Command = {
  synopsis: "-f PATH… [options]",
  about: `Says what is wrong with manifests before a gateway uses them: reads WebSocketProxy, Secret, ConfigMap, Service and
EndpointSlice from files, translates them as the operator does, and prints the conditions of each proxy and route,
then every mistake on a line of its own: file:line, document, object, field, what is wrong. A line with "warning:" before it
says what is accepted and may not be what you mean; a line with "note:" says what limits mean with the pods that the spec
asks for, or which object is not used. Neither changes how the command ends. For mode Sidecar it reads pods and the objects
that make them, too: a line says which Service leads around the gateway, and which pods would be refused.
Ends with 0 where everything is accepted and resolved, else with 1.`,
  options: {
    filename: {
      short: "f",
      value: "PATH",
      multiple: true,
      help: "a .yaml, .yml or .json file, a folder of them, or - for standard input",
    },
    "admin-port": {
      value: "PORT",
      default: String(ADMIN_PORT),
      help: "admin port of the gateway, which no listener can have; 0: none",
    },
    output: { short: "o", value: "FORMAT", default: "table", help: "table, or json for machines" },
  },
  async run(args, io) {
    const paths = pathsOf(args);
    const format = args.oneOf("output", ["table", "json"]);
    const adminPort = args.port("admin-port");
    const { checkManifests } = await import("../reading/check-manifests.ts");
    return checkManifests(paths, format, adminPort, io);
  },
};

function pathsOf(args: Arguments): readonly string[] {
  const paths = args.list("filename");
  if (paths.length === 0) throw new UsageError("-f PATH is missing; name a manifest, a folder of them, or -");
  if (paths.includes("-") && paths.length > 1) throw new UsageError("-f - goes with no other -f");
  return paths;
}

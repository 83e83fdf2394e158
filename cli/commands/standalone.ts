import { UsageError, type Arguments } from "../line/arguments.ts";
import { bufferBudget, bufferBudgetOption } from "../line/buffer-budget.ts";
import type { Command } from "../line/command.ts";
import type { StandaloneOptions } from "../serving/serve-manifests.ts";

/** `wsproxy standalone`: serves what manifests in files say, and applies edits while it runs. */
export const standalone: Command = {
  synopsis: "-f PATH… [options]",
  about: `The gateway without a cluster: reads WebSocketProxy, Secret, ConfigMap, Service and EndpointSlice manifests,
translates them as the operator does, and serves each proxy on its listener port. Edits apply within about a second; what
is wrong with an edit is printed, and the last good config stays. The log goes to standard output as JSON lines,
everything else to standard error. Ctrl-C stops it gracefully, a second Ctrl-C at once.`,
  options: {
    filename: { short: "f", value: "PATH", multiple: true, help: "a .yaml, .yml or .json file, or a folder of them" },
    address: { value: "ADDRESS", default: "127.0.0.1", help: "address of the listeners; :: is every one, IPv4 too" },
    "admin-address": {
      value: "ADDRESS",
      default: "127.0.0.1",
      help: "address of the admin port; [::1]:9090 with its port",
    },
    "admin-port": { value: "PORT", default: "9090", help: "port for /metrics, /config, /sessions; 0: none" },
    "buffer-budget": bufferBudgetOption,
    "admin-token-file": {
      value: "FILE",
      help: "token for /config and /sessions; default: a new one, which is printed",
    },
    "sample-backend": { help: "start the sample backend too, and say what to try" },
    "sample-backend-port": { value: "PORT", default: "9000", help: "its port on 127.0.0.1" },
  },
  async run(args, io) {
    const options = optionsOf(args);
    const { serveManifests } = await import("../serving/serve-manifests.ts");
    return serveManifests(options, io);
  },
};

function optionsOf(args: Arguments): StandaloneOptions {
  const paths = args.list("filename");
  if (paths.length === 0) throw new UsageError("-f PATH is missing; name a manifest or a folder of them");
  if (paths.includes("-")) throw new UsageError("-f - cannot be watched; write the manifests to a file");
  const port = args.port("sample-backend-port");
  const admin = args.addressAndPort("admin-address", "admin-port");
  return {
    paths,
    address: args.address("address"),
    adminAddress: admin.address,
    adminPort: admin.port,
    bufferBudget: bufferBudget(args),
    adminTokenFile: args.optional("admin-token-file"),
    samplePort: args.flag("sample-backend") ? port : undefined,
  };
}

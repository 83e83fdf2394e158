import { EchoBackend } from "../bench/load.ts";

const backend = await new EchoBackend().open();
process.on("disconnect", () => process.exit());
process.send?.(backend.port);

import { EchoBackend } from "./echo-backend.ts";

const backend = await new EchoBackend().open();
process.on("disconnect", () => process.exit());
process.send?.(backend.port);

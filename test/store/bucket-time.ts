import type { StoreServer } from "./server.ts";

/** Lets time pass for one bucket in the store, as if the server's clock had moved: back where `ms` is negative. */
export async function pass(server: StoreServer, key: string, ms: number): Promise<void> {
  const fields = await server.ask("HGETALL", key);
  const all = Object.entries(fields as Record<string, string>).flatMap(([field, text]) => [
    field,
    moved(field, text, ms),
  ]);
  if (all.length > 0) await server.ask("HSET", key, ...all);
}

function moved(field: string, text: string, ms: number): string {
  if (field === "t") return text;
  if (field === "a") return String(Number(text) - ms * 1000);
  const [held, till, ...rest] = text.split(" ");
  return [held, Number(till) - ms * 1000, ...rest].join(" ");
}

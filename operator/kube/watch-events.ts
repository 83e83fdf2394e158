import type { KubeObject } from "./kinds.ts";

/** What a line of a watch says. */
export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/** A watch broke; it can go on from where it was. */
export class WatchBroken extends Error {
  override readonly name: string = "WatchBroken";
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number;

  constructor(message: string, options: ErrorOptions & { readonly retryAfter?: number } = {}) {
    super(message, options);
    this.retryAfter = options.retryAfter ?? 0;
  }
}

/** It is open what happened: the state has to be listed anew. */
export class Expired extends WatchBroken {
  override readonly name = "Expired";
}

/** Reads a line; throws Expired where it cannot be told what happened, and WatchBroken where the server says no. */
export function watchEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new Expired("a line of the watch is not JSON", { cause });
  }
  const { type, object } = record(event);
  if (type === "ERROR") throw refusal(record(object));
  const { name, resourceVersion } = record(record(object)["metadata"]);
  if (typeof resourceVersion === "string" && resourceVersion !== "") {
    if (type === "BOOKMARK") return { type, resourceVersion };
    const known = type === "ADDED" || type === "MODIFIED" || type === "DELETED";
    if (known && typeof name === "string") return { type, object: object as T };
  }
  throw new Expired("a line of the watch is no event");
}

/** The object of a line that is too long to be read, by the line's start; throws Expired where it does not name it. */
export function longEvent(start: string): { readonly key: string; readonly resourceVersion: string } {
  const field = (name: string): string | undefined => new RegExp(`"${name}":"([^"\\\\]{1,300})"`).exec(start)?.[1];
  const [name, namespace = "", resourceVersion] = ["name", "namespace", "resourceVersion"].map(field);
  if (name !== undefined && resourceVersion !== undefined) return { key: `${namespace}/${name}`, resourceVersion };
  throw new Expired("a line of the watch is too long, and does not begin with the name of its object");
}

function refusal({ code, message, details }: Record<string, unknown>): WatchBroken {
  const text = typeof message === "string" ? message : "no word why";
  if (code === 410) return new Expired(text);
  const seconds = record(details)["retryAfterSeconds"];
  return new WatchBroken(`the server ended the watch: ${text}`, {
    retryAfter: typeof seconds === "number" ? Math.min(seconds, 60) * 1000 : 0,
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

import type { KubeObject } from "./kinds.ts";
import { record } from "./record.ts";

/** One line of a watch. */
export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/** Why a watch ended; the next watch may resume where this one was. */
export class WatchFailure extends Error {
  override readonly name: string = "WatchFailure";
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number;

  constructor(message: string, options: ErrorOptions & { readonly retryAfter?: number } = {}) {
    super(message, options);
    this.retryAfter = options.retryAfter ?? 0;
  }
}

/** The watch may have missed changes: the collection has to be listed again. */
export class Expired extends WatchFailure {
  override readonly name = "Expired";
}

/** Parses a line. Throws WatchFailure for an ERROR event, and Expired where a line is no event, since it hides a change. */
export function watchEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new Expired("a line of the watch is not JSON", { cause });
  }
  const { type, object } = record(event);
  if (type === "ERROR") throw failureOf(record(object));
  const { name, resourceVersion } = record(record(object)["metadata"]);
  if (typeof resourceVersion === "string" && resourceVersion !== "") {
    if (type === "BOOKMARK") return { type, resourceVersion };
    const known = type === "ADDED" || type === "MODIFIED" || type === "DELETED";
    if (known && typeof name === "string") return { type, object: object as T };
  }
  throw new Expired("a line of the watch is no event");
}

/** Key and version of the object of a line that is too long, from the line's start; throws Expired if it lacks them. */
export function longEvent(start: string): { readonly key: string; readonly resourceVersion: string } {
  const field = (name: string): string | undefined => new RegExp(`"${name}":"([^"\\\\]{1,300})"`).exec(start)?.[1];
  const [name, namespace = "", resourceVersion] = ["name", "namespace", "resourceVersion"].map(field);
  if (name !== undefined && resourceVersion !== undefined) return { key: `${namespace}/${name}`, resourceVersion };
  throw new Expired("a line of the watch is too long, and does not begin with the name of its object");
}

/** The failure that the Status of an ERROR event stands for. */
function failureOf({ code, message, details }: Readonly<Record<string, unknown>>): WatchFailure {
  const text = typeof message === "string" ? message : "it gave no reason";
  if (code === 410) return new Expired(text);
  const seconds = record(details)["retryAfterSeconds"];
  return new WatchFailure(`the server ended the watch: ${text}`, {
    retryAfter: typeof seconds === "number" ? Math.min(seconds, 60) * 1000 : 0,
  });
}

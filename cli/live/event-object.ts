import { isRecord } from "../../api/unchecked.ts";

/** The object that an event's data is; undefined: it is none. */
export function objectIn(data: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

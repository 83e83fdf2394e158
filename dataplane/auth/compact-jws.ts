const COMPACT = /^([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/;

/**
 * Header of a token that has the form of a signed JWT (RFC 7515 §7.1): three base64url segments, the first a JSON
 * object. Nothing in it is to be trusted. undefined: another form.
 */
export function joseHeader(token: string): Readonly<Record<string, unknown>> | undefined {
  const header = COMPACT.exec(token)?.[1];
  if (header === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(header, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const COMPACT = /^([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/;

/** Has the token the form of a signed JWT (RFC 7515 §7.1): three base64url segments, the first a JSON object? */
export function isCompactJws(token: string): boolean {
  const header = COMPACT.exec(token)?.[1];
  if (header === undefined) return false;
  try {
    const value: unknown = JSON.parse(Buffer.from(header, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

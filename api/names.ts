import { z } from "zod";

/** Strings that several parts of the two contracts share, each bounded and with an error that says what to write. */

const LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";

/** The name of a Kubernetes object (RFC 1123 subdomain). */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(
    new RegExp(`^${LABEL}(\\.${LABEL})*$`),
    "is not a Kubernetes object name (lower case letters, digits, - and .)",
  );

/** A name inside a list of ours, such as a route's (RFC 1123 label). */
export const label = z
  .string()
  .min(1)
  .max(63)
  .regex(new RegExp(`^${LABEL}$`), "must be lower case letters, digits and -, at most 63");

/** A host name, or a wildcard such as `*.example.com`; no port, no address with brackets. */
export const hostname = z
  .string()
  .min(1)
  .max(253)
  .regex(
    new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`),
    "is not a host name; write lower case letters without scheme and port, such as chat.example.com or *.example.com",
  );

/** A key of a Secret or ConfigMap. */
export const dataKey = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[-._a-zA-Z0-9]+$/, "is not a key of a Secret or ConfigMap");

/** An HTTP field name (RFC 9110 §5.1), kept in lower case. */
export const headerName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "is not an HTTP header name");

/** Header names are compared without case and with `_ . -` alike, so that no look-alike passes (contract section 4). */
export function foldHeaderName(name: string): string {
  return name.toLowerCase().replaceAll(/[_.]/g, "-");
}

/** The value of an HTTP field that we set: visible ASCII and inner spaces. */
export const headerValue = z
  .string()
  .max(4096)
  .regex(/^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$/, "must be visible ASCII characters");

/** A name of a query parameter, a cookie or a subprotocol (RFC 9110 token). */
export const token = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "must be letters, digits and !#$%&'*+.^_`|~-");

/** An address or a CIDR block of either family, such as 10.0.0.0/8 or 2001:db8::1. */
export const cidr = z
  .string()
  .max(49)
  .refine(
    (text) => [z.ipv4(), z.cidrv4(), z.ipv6(), z.cidrv6()].some((kind) => kind.safeParse(text).success),
    "is not an address or CIDR block; write for example 10.0.0.0/8 or 2001:db8::/32",
  );

/**
 * A path as it stands in a request: begins with `/`, nothing to decode or normalise (the same forms that the gateway
 * refuses in requests, so that no route can be written that no request reaches).
 */
export const path = z
  .string()
  .min(1)
  .max(1024)
  .regex(/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/, "must begin with / and hold only characters of a URL path")
  .refine((text) => !text.includes("//"), "must not hold //")
  .refine((text) => !/(^|\/)(\.|%2e){1,2}(;[^/]*)?(\/|$)/i.test(text), "must not hold . or .. segments")
  .refine(
    (text) => !/%(?![0-9a-f]{2})|%(2f|5c|25|[01][0-9a-f]|7f)/i.test(text),
    "must not hold an encoded /, \\, % or control character",
  );

/** An http(s) URL that the gateway itself asks. Credentials and fragments are refused. */
export const url = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[A-Za-z0-9.[\]:-]+(\/[^\s#]*)?$/, "must be an https:// URL without credentials and fragment");

/** A moment as RFC 3339 writes it, such as 2027-01-31T12:00:00Z. */
export const timestamp = z.iso.datetime({ offset: true });

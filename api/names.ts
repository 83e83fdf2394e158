import { z } from "zod";
import { CALLED, rule } from "./rule.ts";

/** Names and addresses that both contracts share. Each has a bound and an error message that says what to write. */

const LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
/** Kubernetes bounds only the whole name, and not the parts between its dots, as DNS does. */
const NAME_PART = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

const NOT_A_NAME = "is not a Kubernetes object name (lower case letters, digits, - and .)";

/** The name of a Kubernetes object (a "DNS-1123 subdomain" in Kubernetes' words). */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(new RegExp(`^${NAME_PART}(\\.${NAME_PART})*$`), NOT_A_NAME)
  .meta({ [CALLED]: "object name" });

/** The name of a Service, which is a name in DNS too: so a part has at most 63 characters. */
export const serviceName = z
  .string()
  .min(1)
  .max(253)
  .regex(new RegExp(`^${LABEL}(\\.${LABEL})*$`), NOT_A_NAME)
  .meta({ [CALLED]: "object name" });

/** A name inside a list of ours, such as a route's (RFC 1123 label). */
export const label = z
  .string()
  .min(1)
  .max(63)
  .regex(new RegExp(`^${LABEL}$`), "must be lower case letters, digits and -, at most 63")
  .meta({ [CALLED]: "label" });

/** A host name, or a wildcard such as `*.example.com`; no port, no address with brackets. */
export const hostname = z
  .string()
  .min(1)
  .max(253)
  .regex(
    new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`),
    "is not a host name; write lower case letters without scheme and port, such as chat.example.com or *.example.com",
  )
  .meta({ [CALLED]: "host name" });

/** A host name without a wildcard (Gateway API's PreciseHostname). */
export const preciseHostname = z
  .string()
  .min(1)
  .max(253)
  .regex(
    new RegExp(`^${LABEL}(\\.${LABEL})*$`),
    "is not a host name; write lower case letters without scheme, port and wildcard, such as echo.internal",
  )
  .meta({ [CALLED]: "host name" });

/** A key of a Secret or ConfigMap. */
export const dataKey = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[-._a-zA-Z0-9]+$/, "is not a key of a Secret or ConfigMap")
  .meta({ [CALLED]: "key" });

/** An HTTP field name (RFC 9110 §5.1). */
export const headerName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "is not an HTTP header name")
  .meta({ [CALLED]: "header name" });

/**
 * A header name for comparison: lower case, with `_` and `.` as `-`. Backends may take such look-alikes for the same
 * header.
 */
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
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "must be letters, digits and !#$%&'*+.^_`|~-")
  .meta({ [CALLED]: "token" });

const BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
export const IPV4 = `${BYTE}(\\.${BYTE}){3}`;
const GROUP = "[0-9a-fA-F]{1,4}";
/** RFC 4291 §2.2, by the number of groups before the `::`; without the form whose end is an IPv4 address. */
export const IPV6 = [
  `(${GROUP}:){7}${GROUP}`,
  `(${GROUP}:){1,7}:`,
  `:(:${GROUP}){1,7}`,
  "::",
  ...[1, 2, 3, 4, 5, 6].map((before) => `(${GROUP}:){${before}}(:${GROUP}){1,${7 - before}}`),
].join("|");
const MIXED = [
  `(${GROUP}:){6}${IPV4}`,
  `:(:${GROUP}){0,5}:${IPV4}`,
  ...[1, 2, 3, 4, 5].map((before) => `(${GROUP}:){${before}}(:${GROUP}){0,${5 - before}}:${IPV4}`),
].join("|");

const NUMBER = "(0|[1-9][0-9]{0,2})";
const CIDR = new RegExp(`^(${IPV4}(/(3[0-2]|[12]?[0-9]))?|(${IPV6}|${MIXED})(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$`);

/**
 * An address or a CIDR block of either family, such as 10.0.0.0/8 or 2001:db8::1. The CRD uses the API server's own
 * formats: a CEL rule on 10,000 of them in each route would exceed its cost limit, and its error would quote the whole
 * pattern.
 */
export const cidr = z
  .string()
  .max(49)
  .refine((text) => CIDR.test(text), "is not an address or CIDR block; write for example 10.0.0.0/8 or 2001:db8::/32")
  .meta({
    // Refuses leading zeros, which those formats accept: some programs read them as octal.
    pattern: `^([0-9a-fA-F:]+|([0-9a-fA-F:]*:)?${NUMBER}(\\.${NUMBER}){3})(/${NUMBER})?$`,
    anyOf: [{ format: "ipv4" }, { format: "ipv6" }, { format: "cidr" }],
    [CALLED]: "CIDR",
  });

// JavaScript and RE2 (which has no look-ahead) must read these alike. Without backslash and quote, so that CEL can
// quote them.
const DOT_SEGMENT = "(^|/)([.]|%2e){1,2}((;|%3b)[^/]*)?(/|$)";
const AMBIGUOUS = "%(2f|5c|25|[01][0-9a-f]|7f|c2%[89][0-9a-f])";
/** A continuation byte of a UTF-8 character (RFC 3629 §4), percent-encoded. */
const TAIL = "%[89abAB][0-9a-fA-F]";
/** One character of a path (RFC 3986 §3.3): plain, or percent-encoded in UTF-8. */
const PATH_CHARACTER = [
  "[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-7][0-9a-fA-F]",
  `%([cC][2-9a-fA-F]|[dD][0-9a-fA-F])${TAIL}`,
  `(%[eE]0%[abAB][0-9a-fA-F]|%[eE][1-9abcefABCEF]${TAIL}|%[eE][dD]%[89][0-9a-fA-F])${TAIL}`,
  `(%[fF]0%[9abAB][0-9a-fA-F]|%[fF][1-3]${TAIL}|%[fF]4%8[0-9a-fA-F])${TAIL}${TAIL}`,
].join("|");

const holdsNo = (pattern: string, message: string) => (text: z.ZodString) =>
  rule(text, { cel: `!self.matches('(?i)${pattern}')`, message }, (value) => !new RegExp(pattern, "i").test(value));

/**
 * A path as it stands in a request: begins with `/`, and nothing in it can be decoded or normalised in two ways. The
 * gateway refuses requests with other paths, so a route with such a path would never match.
 */
export const path = [
  holdsNo("//", "must not hold //"),
  holdsNo(DOT_SEGMENT, "must not hold . or .. segments"),
  holdsNo(AMBIGUOUS, "must not hold an encoded /, \\, % or control character"),
].reduce(
  (text, add) => add(text),
  z
    .string()
    .min(1)
    .max(1024)
    .regex(
      new RegExp(`^/(${PATH_CHARACTER})*$`),
      "must begin with / and hold only characters of a URL path, others percent-encoded in UTF-8",
    ),
);

/** An http(s) URL that the gateway sends requests to. Credentials and fragments are refused. */
export const url = z
  .string()
  .max(2048)
  .regex(
    /^https?:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(\/[\x21-\x22\x24-\x7e]*)?$/,
    "must be an https:// URL without credentials and fragment, an IPv6 address in brackets",
  )
  .meta({ [CALLED]: "URL" });

/** A TCP port. */
export const port = z
  .int()
  .min(1)
  .max(65_535)
  .meta({ [CALLED]: "port" });

/** A time in the form of RFC 3339, such as 2027-01-31T12:00:00Z. */
export const timestamp = z.iso.datetime({ offset: true });

/** The name in SNI and in the certificate of a server that is dialled. */
export const serverName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9.-]+$/, "is not a host name");

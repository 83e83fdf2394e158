import { isIP } from "node:net";
import { parseArgs } from "node:util";
import { parseDuration } from "../../api/quantities.ts";
import { nearest } from "./nearest.ts";

/** One option of a command: what the parser and the help need of it. */
export interface OptionSpec {
  /** Name of its value in the help; absent: the option takes no value. */
  readonly value?: string;
  readonly short?: string;
  readonly multiple?: boolean;
  readonly default?: string;
  /** A value that begins with a dash is a value: a program made it, by chance. */
  readonly dash?: boolean;
  readonly help: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Wrong usage; the message is for the person who typed the command. */
export class UsageError extends Error {}

/** The arguments that were typed behind a command, checked against its options and operands. Getters throw UsageError. */
export class Arguments {
  readonly operands: readonly string[];
  readonly help: boolean;
  readonly #specs: OptionSpecs;
  readonly #values: ReadonlyMap<string, readonly string[]>;

  /** Throws UsageError for an option that is unknown, repeated or without its value, and for wrong operands. */
  constructor(specs: OptionSpecs, operands: readonly string[], typed: readonly string[]) {
    this.#specs = { ...specs, help: { short: "h", help: "" } };
    const { tokens, positionals } = parseArgs({
      args: [...typed],
      options: Object.fromEntries(Object.entries(this.#specs).map(([name, spec]) => [name, declared(spec)])),
      strict: false,
      allowPositionals: true,
      tokens: true,
    });
    const values = new Map<string, string[]>();
    for (const token of tokens) {
      if (token.kind !== "option") continue;
      const spec = Object.hasOwn(this.#specs, token.name) ? this.#specs[token.name] : undefined;
      if (spec === undefined) throw new UsageError(unknown(token.rawName, Object.keys(this.#specs)));
      const known = values.get(token.name) ?? [];
      values.set(token.name, [...known, checked(token, spec, known.length, this.#specs)]);
    }
    this.help = values.has("help");
    this.#values = values;
    this.operands = positionals;
    if (this.help) return;
    const missing = operands[positionals.length];
    // `[NAME]` may be left out.
    if (missing !== undefined && !missing.startsWith("[")) throw new UsageError(`${missing} is missing`);
    const more = positionals[operands.length];
    if (more !== undefined) throw new UsageError(`"${more}" is one argument too many`);
  }

  /** Was the option typed? */
  flag(name: string): boolean {
    return this.#values.has(name);
  }

  /** Every value that was typed, in order; without the default. */
  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The typed value, else the default, else undefined. */
  optional(name: string): string | undefined {
    return this.list(name)[0] ?? this.#specs[name]?.default;
  }

  /** The typed value, else the default; without either, throws. */
  text(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw new UsageError(`--${name} is missing`);
    return value;
  }

  /** 0 to 65535. */
  port(name: string): number {
    return portIn(name, this.text(name));
  }

  /** An address of this machine that a port is opened on; IPv6 with or without brackets. */
  address(name: string): string {
    return addressIn(name, this.text(name));
  }

  /** An address that may hold a port, such as [::1]:9090; without one, the port is that of the option `portName`. */
  addressAndPort(name: string, portName: string): { readonly address: string; readonly port: number } {
    const [, address, port] = /^(\[.*\]|[^:]*):([0-9]+)$/.exec(this.text(name)) ?? [];
    if (address === undefined || port === undefined) return { address: this.address(name), port: this.port(portName) };
    if (this.flag(portName))
      throw new UsageError(`--${name} names a port, and so does --${portName}; write one of them`);
    return { address: addressIn(name, address), port: portIn(name, port) };
  }

  /** In ms. */
  duration(name: string): number {
    const text = this.text(name);
    const ms = parseDuration(text);
    if (Number.isNaN(ms)) throw new UsageError(`--${name} "${text}" is not a duration; write for example 500ms or 5s`);
    return ms;
  }

  /** One of a few words. */
  oneOf<W extends string>(name: string, words: readonly W[]): W {
    const text = this.text(name);
    const word = words.find((it) => it === text);
    if (word === undefined) throw new UsageError(`--${name} "${text}" is not known; write ${words.join(" or ")}`);
    return word;
  }
}

function declared({ value, short }: OptionSpec): { type: "string" | "boolean"; short?: string; multiple: true } {
  return {
    type: value === undefined ? "boolean" : "string",
    multiple: true,
    ...(short === undefined ? {} : { short }),
  };
}

function portIn(name: string, text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new UsageError(`--${name} "${text}" is not a port; write a number from 0 to 65535`);
  return port;
}

function addressIn(name: string, text: string): string {
  const address = /^\[(.*:.*)\]$/.exec(text)?.[1] ?? text;
  if (isIP(address) !== 0 || address === "localhost") return address;
  throw new UsageError(`--${name} "${text}" is not an address; write for example 127.0.0.1, ::1 or 0.0.0.0`);
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function checked(
  { rawName, value, inlineValue }: OptionToken,
  spec: OptionSpec,
  before: number,
  specs: OptionSpecs,
): string {
  if (spec.value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
    return "";
  }
  // "-f --address x": the value of -f was forgotten. To pass a value that begins with a dash, write --name=-value.
  const dashed = spec.dash === true ? isOption(value, specs) : /^-./.test(value ?? "");
  const missing = value === undefined || value === "" || (inlineValue !== true && dashed);
  if (missing) throw new UsageError(`${rawName} needs a value: ${rawName} ${spec.value}`);
  if (before > 0 && spec.multiple !== true) throw new UsageError(`${rawName} may stand once only`);
  return value;
}

function isOption(typed: string | undefined, specs: OptionSpecs): boolean {
  return Object.entries(specs).some(([name, { short }]) => typed === `--${name}` || typed === `-${short ?? "-"}`);
}

function unknown(rawName: string, names: readonly string[]): string {
  const guess = nearest(rawName.replace(/^-+/, ""), names);
  return `unknown option ${rawName}${guess === undefined ? "" : `; did you mean --${guess}?`}`;
}

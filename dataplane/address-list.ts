import { isIP } from "node:net";

const ZERO = "0".charCodeAt(0);

/** What an address is made of: two groups of 16 bits for IPv4, eight for IPv6. */
type Groups = readonly number[];

/**
 * A list of addresses and CIDR blocks that is asked in the same time however long it is: for each length of prefix in
 * use one look-up. `BlockList` of `node:net` takes five times as long to fill, in one go, while clients wait.
 * IPv4-mapped IPv6 counts as IPv4, a zone does not count, and all of one family is nothing of the other.
 */
export class AddressList {
  /** By family (its number of groups) and length of prefix: the first bits of the blocks. */
  readonly #blocks = new Map<number, Map<number, Set<string>>>();

  /** Entries as `api/names.ts` `cidr` admits them; throws for any other. */
  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry);
  }

  /** Throws for what is no address. */
  has(address: string): boolean {
    const blocks = this.#blocks;
    if (blocks.size === 0) return false;
    const groups = groupsOf(address);
    for (const [bits, prefixes] of blocks.get(groups.length) ?? []) {
      if (prefixes.has(prefixOf(groups, bits))) return true;
    }
    return false;
  }

  #add(entry: string): void {
    const slash = entry.indexOf("/");
    const text = slash === -1 ? entry : entry.slice(0, slash);
    const groups = groupsOf(text);
    const whole = groups.length * 16;
    // Of a block of IPv4-mapped addresses the first 96 bits are the mapping.
    const mapping = whole === 32 && text.includes(":") ? 96 : 0;
    const bits = slash === -1 ? whole : Math.max(0, Number(entry.slice(slash + 1)) - mapping);
    if (!(bits <= whole)) throw new Error("a prefix is longer than its address");
    const family = this.#blocks.get(groups.length) ?? new Map<number, Set<string>>();
    const prefixes = family.get(bits) ?? new Set<string>();
    this.#blocks.set(groups.length, family.set(bits, prefixes.add(prefixOf(groups, bits))));
  }
}

/** The first bits of an address, as a key: a character for each group. */
function prefixOf(groups: Groups, bits: number): string {
  let key = "";
  for (let at = 0; at * 16 < bits; at += 1) {
    const group = groups[at] ?? 0;
    const kept = Math.min(16, bits - at * 16);
    key += String.fromCharCode((group >> (16 - kept)) << (16 - kept));
  }
  return key;
}

function groupsOf(text: string): Groups {
  const zone = text.indexOf("%");
  const bare = zone === -1 ? text : text.slice(0, zone);
  const kind = isIP(bare);
  if (kind === 0) throw new Error("an address is malformed");
  return kind === 4 ? ipv4(bare) : folded(ipv6(bare));
}

/** Digit by digit: lists of 10,000 are read while clients wait. */
function ipv4(text: string): number[] {
  let all = 0;
  let byte = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit >= 0) {
      byte = byte * 10 + digit;
      continue;
    }
    all = (all << 8) | byte;
    byte = 0;
  }
  return [all >> 8, ((all & 255) << 8) | byte];
}

/** RFC 4291 §2.2: `::` stands once for as many zeros as are missing, and the last two groups may be written as IPv4. */
function ipv6(text: string): number[] {
  const gap = text.indexOf("::");
  if (gap === -1) return hextets(text);
  const [head, tail] = [hextets(text.slice(0, gap)), hextets(text.slice(gap + 2))];
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function hextets(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((part) => (part.includes(".") ? ipv4(part) : [Number.parseInt(part, 16)]));
}

/** IPv4-mapped IPv6 (RFC 4291 §2.5.5.2) as the IPv4 address that it is. */
function folded(groups: number[]): Groups {
  const mapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  return mapped ? groups.slice(6) : groups;
}

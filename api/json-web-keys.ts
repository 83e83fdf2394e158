/** Keys of a JSON Web Key Set beyond which it is refused. */
export const MAX_KEYS = 100;
export const MIN_RSA_BITS = 2048;
/**
 * Characters of a key's numbers in base64url: 2,048 bytes, OpenSSL's own bound, and for an RSA exponent 32 (FIPS 186-5).
 * Node takes a minute to describe a key whose exponent has 190 kB.
 */
const MAX_NUMBER = 2732;
const MAX_EXPONENT = 43;

/** Has a JSON Web Key a number that is longer than any key needs? To be asked before the key is read. */
export function isOversized({ n, x, y, e }: Readonly<Record<string, unknown>>): boolean {
  const longer = (number: unknown, most: number): boolean => typeof number === "string" && number.length > most;
  return [n, x, y].some((number) => longer(number, MAX_NUMBER)) || longer(e, MAX_EXPONENT);
}

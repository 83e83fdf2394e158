/** Of a text such as `16 KiB` or `10 s` every number in it, in bytes or milliseconds where it has a unit, and as it stands. */
export function sizes(text: string): number[] {
  const numbers = /(?<![\w.])(\d[\d,_]*(?:\.\d+)?)\s?(KiB|MiB|GiB|Ki|Mi|Gi|kB|MB|ms|s|min|h|d)?(?![\w])/g;
  const shares = Object.entries(SHARES).flatMap(([word, share]) => (text.includes(word) ? [share] : []));
  const percents = [...text.matchAll(/(\d+) ?%/g)].map(([, digits]) => Number(digits) / 100);
  const plain = [...text.matchAll(numbers)].flatMap(([, digits = "", unit]) => {
    const number = Number(digits.replaceAll(/[,_]/g, ""));
    return unit === undefined ? [number] : [number * (UNITS[unit] ?? Number.NaN), number];
  });
  return [...plain, ...percents, ...shares];
}

const SHARES: Readonly<Record<string, number>> = { "a tenth": 0.1, "a quarter": 0.25, half: 0.5 };

const UNITS: Readonly<Record<string, number>> = {
  ...{ KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, kB: 1000, MB: 1e6 },
  ...{ ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 },
};

/**
 * What a name is declared as in a source text, without running it: its number, or the numbers in its object; none where
 * it is a function. Throws where there is no such name. `PACKED.mostParts` is a field of an object.
 */
export function declared(source: string, name: string): number[] {
  const short = name.split(".").at(-1) ?? name;
  const field = new RegExp(`(?<![\\w.])${short}(?:: [\\w<>, ]+)?(?: =|:) (\\{[^}]*\\}|[\\w.(*][^;,})\\n]*)`, "g");
  for (const [, value = ""] of source.matchAll(field)) {
    if (value.startsWith("{")) return sizes(value.replaceAll(/\/\*.*?\*\//gs, ""));
    const number = calculated(value, source);
    if (!Number.isNaN(number)) return [number];
  }
  if (new RegExp(`(?:function |\\b)${short}\\(|class ${short}\\b`).test(source)) return [];
  throw new Error(`nothing is declared as ${name}`);
}

/** Products and sums of numbers and of names that stand in the same text. */
function calculated(text: string, source: string): number {
  const sum = text.replace(/\s*\/\/.*$/, "").split("+");
  const of = (factor: string): number => {
    const plain = factor.trim().replace(/\)+$/, "");
    if (/^[\d_.]+$/.test(plain)) return Number(plain.replaceAll("_", ""));
    if (!/^[A-Z][A-Z0-9_]+$/.test(plain)) return Number.NaN;
    const [, value] = new RegExp(`const ${plain}(?:: \\w+)? = ([^;]+);`).exec(source) ?? [];
    return value === undefined ? Number.NaN : calculated(value, source);
  };
  return sum
    .map((part) =>
      part
        .split("*")
        .map(of)
        .reduce((a, b) => a * b),
    )
    .reduce((a, b) => a + b);
}

/** Names in capitals that a source text declares at its top as a number or as an object of numbers. */
export function numbersIn(source: string): string[] {
  return [...source.matchAll(/^(?:export )?const ([A-Z][A-Z0-9_]+)(?:: \w+)? = ([^;]+);/gm)]
    .filter(
      ([, , value = ""]) => /^\{\s*(?:\/\*.*?\*\/\s*)?\w+: \d/s.test(value) || !Number.isNaN(calculated(value, source)),
    )
    .map(([, name = ""]) => name);
}

import { expect, test } from "vitest";
import { joseHeader } from "./compact-jws.ts";

const segment = (text: string | Buffer): string => Buffer.from(text).toString("base64url");
const HEADER = segment('{"alg":"RS256","kid":"a"}');

test("the header of a token of three segments is what its first segment says", () => {
  expect(joseHeader(`${HEADER}.e30.AA`)).toEqual({ alg: "RS256", kid: "a" });
  expect(joseHeader(`${HEADER}..`)).toEqual({ alg: "RS256", kid: "a" });
});

test.each([
  ["an opaque token", "d1f0c6"],
  ["nothing", ""],
  ["two segments", `${HEADER}.e30`],
  ["four segments", `${HEADER}.e30.AA.`],
  ["five segments, as a JWE has", `${HEADER}.a.b.c.d`],
  ["no first segment", ".e30.AA"],
  ["white space before it", ` ${HEADER}.e30.AA`],
  ["white space in the first segment", `${HEADER.slice(0, 4)} ${HEADER.slice(4)}.e30.AA`],
  ["a line end behind it", `${HEADER}.e30.AA\n`],
  ["padding", `${segment("{}")}==.e30.AA`],
  ["the other alphabet of base64", `${Buffer.from('{"a":"???>>>"}').toString("base64")}.e30.AA`],
  ["a length that base64 cannot have", `${HEADER}A.e30.AA`],
  ["a header that is no JSON", `${segment("{")}.e30.AA`],
  ["a header that is not UTF-8", `${segment(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))}.e30.AA`],
  ["a header that is a list", `${segment("[]")}.e30.AA`],
  ["a header that is null", `${segment("null")}.e30.AA`],
  ["a header that is a string", `${segment('"{}"')}.e30.AA`],
])("%s is not the form of a signed JWT", (_, token) => {
  expect(joseHeader(token)).toBeUndefined();
});

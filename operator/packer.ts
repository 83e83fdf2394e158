import { Buffer } from "node:buffer";
import { hashOf, pack } from "../runtime/packed-text.ts";
import type { Packer } from "./render/packer.ts";

/** What rendering needs of the platform. */
export const packer: Packer = {
  hash: hashOf,
  pack(text, largestPart) {
    const packed = pack(text);
    const parts = Math.ceil(packed.length / largestPart);
    return Array.from({ length: parts }, (_, part) =>
      Buffer.from(packed.subarray(part * largestPart, (part + 1) * largestPart)).toString("base64"),
    );
  },
  base64: (text) => Buffer.from(text, "utf8").toString("base64"),
};

import { expect, test } from "vitest";
import { deny } from "./deny.ts";

test.each(["clients", "tokenIds", "addresses"] as const)(
  "an entry stands in %s once; a config in force from before that was so is read as it is",
  (list) => {
    const twice = { [list]: ["10.0.0.1", "10.0.0.2", "10.0.0.1"] };
    const { error } = deny.spec.safeParse(twice);
    expect(error?.issues.map(({ path, message }) => [path.join("."), message])).toEqual([
      [list, "each entry may stand here once; remove what stands twice"],
    ]);
    expect(deny.spec.parse({ [list]: ["10.0.0.1", "10.0.0.2"] })[list]).toHaveLength(2);
    expect(deny.rendered.parse(twice)[list]).toHaveLength(3);
  },
);

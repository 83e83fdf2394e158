interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** Objects of several kinds by kind and name; of two with the same, the first. */
export class ByKindAndName<T extends Named> {
  readonly #objects = new Map<string, T>();

  constructor(objects: readonly T[]) {
    for (const object of objects) {
      const key = keyOf(object.kind, object.metadata.name);
      if (!this.#objects.has(key)) this.#objects.set(key, object);
    }
  }

  get(kind: T["kind"], name: string): T | undefined {
    return this.#objects.get(keyOf(kind, name));
  }
}

/** No name of an object has a space. */
function keyOf(kind: string, name: string): string {
  return `${kind} ${name}`;
}

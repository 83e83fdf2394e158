import type { Reflector } from "../kube/reflector.ts";
import type { KubeObject } from "../kube/kinds.ts";

/** All watched objects of one kind, from one reflector or one for each namespace; finds them by name and by group. */
export class CollectionCopy<T extends KubeObject = KubeObject> {
  readonly #reflectors = new Map<string | undefined, Reflector<T>>();
  readonly #groups = new Map<string, Map<string, T>>();
  readonly #groupsOf: (object: T) => readonly string[];

  /** `groupsOf`: names of the groups that an object belongs to. */
  constructor(groupsOf: (object: T) => readonly string[]) {
    this.#groupsOf = groupsOf;
  }

  /** `namespace`: the one that the reflector watches; undefined: it watches all. */
  add(namespace: string | undefined, reflector: Reflector<T>): void {
    this.#reflectors.set(namespace, reflector);
  }

  get keys(): readonly string[] {
    return [...this.#reflectors.values()].flatMap((reflector) => [...reflector.objects.keys()]);
  }

  get all(): readonly T[] {
    return [...this.#reflectors.values()].flatMap((reflector) => [...reflector.objects.values()]);
  }

  get(namespace: string, name: string): T | undefined {
    const reflector = this.#reflectors.get(namespace) ?? this.#reflectors.get(undefined);
    return reflector?.objects.get(`${namespace}/${name}`);
  }

  /** The objects of a group, in no order. */
  in(group: string): readonly T[] {
    return [...(this.#groups.get(group)?.values() ?? [])];
  }

  /** To be called with each change of a reflector: updates the groups. */
  changed(key: string, now: T | undefined, before: T | undefined): void {
    for (const group of before === undefined ? [] : this.#groupsOf(before)) {
      const members = this.#groups.get(group);
      members?.delete(key);
      if (members?.size === 0) this.#groups.delete(group);
    }
    for (const group of now === undefined ? [] : this.#groupsOf(now)) {
      const members = this.#groups.get(group) ?? new Map<string, T>();
      this.#groups.set(group, members.set(key, now as T));
    }
  }
}

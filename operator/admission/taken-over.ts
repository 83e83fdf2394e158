import type { SidecarParts } from "../render/sidecar.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What the API server fills in, anywhere in a container. */
const FILLED_IN: Fields = {
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
  successThreshold: 1,
  procMount: "Default",
};

/**
 * Our container, with what admission plugins and other webhooks of the cluster put into it since an earlier call: if that
 * was lost, the plugins would refuse the pod (LimitRanger, AlwaysPullImages), or its image could not be pulled. Nothing
 * that changes what the container does is taken over.
 */
export function withTakenOver(wanted: SidecarParts["container"], found: unknown): object {
  if (!isFields(found)) return wanted;
  const { image = "", imagePullPolicy, resources } = wanted;
  return {
    ...(withFilledIn(wanted, found) as Fields),
    image: isCopyOf(image, found["image"]) ? found["image"] : image,
    imagePullPolicy: found["imagePullPolicy"] === "Always" ? "Always" : imagePullPolicy,
    resources: withFurther(resources, found["resources"]),
    ...(Array.isArray(found["resizePolicy"]) ? { resizePolicy: found["resizePolicy"] } : {}),
  };
}

/** Does a text name the same image, by the same tag, in another registry or with its digest? */
function isCopyOf(image: string, found: unknown): boolean {
  if (typeof found !== "string" || found.length > LONGEST_IMAGE) return false;
  const [name, copy] = [lastPart(image), lastPart(found)];
  return copy === name || (copy.startsWith(`${name}@sha256:`) && !name.includes("@"));
}

/** Characters of the name of an image that is taken over. */
const LONGEST_IMAGE = 1024;

function lastPart(image: string): string {
  return image.slice(image.lastIndexOf("/") + 1);
}

/** A value of ours; objects in it have the fields that the API server fills in. */
function withFilledIn(wanted: unknown, found: unknown): unknown {
  if (!isFields(wanted) || !isFields(found)) return wanted;
  const filledIn = Object.entries(FILLED_IN).filter(
    ([key, value]) => Object.hasOwn(found, key) && found[key] === value,
  );
  const own = Object.entries(wanted).map(([key, value]) => {
    return [key, withFilledIn(value, Object.hasOwn(found, key) ? found[key] : undefined)] as const;
  });
  return Object.fromEntries([...filledIn, ...own]);
}

/** Requests and limits of ours, and further ones. */
function withFurther(wanted: unknown, found: unknown): unknown {
  if (!isFields(found)) return wanted;
  const own = isFields(wanted) ? wanted : {};
  const further = ["requests", "limits"].flatMap((key) => {
    const both = { ...fieldsIn(found, key), ...fieldsIn(own, key) };
    return Object.keys(both).length === 0 ? [] : [[key, both] as const];
  });
  return { ...own, ...Object.fromEntries(further) };
}

function fieldsIn(map: Fields, key: string): Fields {
  const value = Object.hasOwn(map, key) ? map[key] : undefined;
  return isFields(value) ? value : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

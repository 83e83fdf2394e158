/** The parameters that are passed on to the pods, or what is wrong with them. The pods check their values. */
export function queryOf(
  parameters: URLSearchParams,
  names: readonly string[],
): Readonly<Record<string, string>> | string {
  const given = [...parameters.keys()];
  if (given.some((name) => !names.includes(name))) return `this path takes ${names.join(", ")} only`;
  if (new Set(given).size < given.length) return "a parameter may stand once only";
  return Object.fromEntries(parameters);
}

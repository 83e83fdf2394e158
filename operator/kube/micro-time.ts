/** A wall clock time in ms as Kubernetes' MicroTime, which has six digits of a second. */
export function microTime(wall: number): string {
  return new Date(wall).toISOString().replace("Z", "000Z");
}

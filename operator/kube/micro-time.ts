/** A time as Kubernetes' MicroTime has it: six digits of a second. */
export function microTime(wall: number): string {
  return new Date(wall).toISOString().replace("Z", "000Z");
}

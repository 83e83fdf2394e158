import { IdentityProvider } from "../fakes/idp.ts";

// The OAuth server of the scenarios; idp.ts makes one file of it, and runs that in a pod.
const [host = "", port = "", resources = "{}"] = process.argv.slice(2);
const idp = new IdentityProvider(JSON.parse(resources) as ConstructorParameters<typeof IdentityProvider>[0], {
  host,
  address: "0.0.0.0",
  port: Number(port),
});
await idp.up();
console.log(`listening as ${idp.issuer}`);
process.once("SIGTERM", () => void idp.down());

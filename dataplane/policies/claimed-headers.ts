/**
 * Headers in which proxies tell a backend about the client, each with the proxies that write it. Many backends believe
 * them unchecked, and a client can send them too: they reach a backend only if `forwarding` names them. Names are folded
 * as `foldHeaderName` does; `*` stands for any end. A test compares `docs/reference/forwarded-headers.md` with this table.
 */
export const CLAIMED_HEADERS: Readonly<Record<string, string>> = {
  // The client's address.
  "true-client-ip": "Akamai, Cloudflare",
  "client-ip": "older proxies",
  "x-client-ip": "Apache, older load balancers",
  "x-cluster-client-ip": "Rackspace, Zeus",
  "x-originating-ip": "Microsoft mail and proxies",
  "proxy-client-ip": "WebLogic plug-ins",
  "wl-proxy-client-ip": "WebLogic plug-ins",
  "cf-connecting-ip": "Cloudflare",
  "cf-connecting-ipv6": "Cloudflare",
  "cf-pseudo-ipv4": "Cloudflare",
  "fastly-client-ip": "Fastly",
  "fly-client-ip": "Fly.io",
  "do-connecting-ip": "DigitalOcean",
  "incap-client-ip": "Imperva",
  "x-sucuri-clientip": "Sucuri",
  "x-azure-clientip": "Azure Front Door",
  "x-azure-socketip": "Azure Front Door",
  "x-nf-client-connection-ip": "Netlify",
  "x-vercel-*": "Vercel: address and place of the client",
  "x-appengine-*": "App Engine: address, user and place of the client",
  // What the client asked for, before a proxy changed it.
  "x-forwarded-*": "proxies: address, user, groups, tokens, certificate",
  "x-original-*": "ingress-nginx: address, method, URL",
  "x-envoy-*": "Envoy: address, whether the client is inside, its own routing",
  "x-scheme": "ingress-nginx: whether the client's side is TLS",
  "x-url-scheme": "as X-Scheme, for older frameworks",
  "front-end-https": "as X-Scheme, for Microsoft's servers",
  // The client's identity, by a proxy that has proven it.
  "remote-user": "Authelia, CGI",
  "remote-groups": "Authelia",
  "remote-name": "Authelia",
  "remote-email": "Authelia",
  "x-remote-*": "front proxies of Kubernetes API servers, Apache: user, groups",
  "x-webauth-*": "proxies in front of Grafana: user, groups",
  "x-auth-request-*": "oauth2-proxy: user, email, groups, tokens",
  "x-authenticated-*": "Kong, Apigee: user, groups, scope",
  "x-authentik-*": "authentik: user, groups, token",
  "x-vouch-*": "Vouch: user, claims, token",
  "x-pomerium-*": "Pomerium: claims, signed assertion",
  "x-consumer-*": "Kong: consumer",
  "x-credential-*": "Kong: consumer's credential",
  "x-anonymous-consumer": "Kong: no client was identified",
  "x-userinfo": "Kong's OpenID plug-ins",
  "x-endpoint-api-userinfo": "Google Cloud Endpoints",
  "x-apigateway-api-userinfo": "Google API Gateway",
  "x-goog-iap-*": "Google Identity-Aware Proxy: signed assertion",
  "x-goog-authenticated-*": "Google Identity-Aware Proxy: user",
  "x-amzn-oidc-*": "AWS Application Load Balancer: identity, tokens",
  "x-ms-client-principal": "Azure App Service: user, claims",
  "x-ms-client-principal-*": "Azure App Service: user, provider",
  "x-ms-token-*": "Azure App Service: tokens",
  "cf-access-*": "Cloudflare Access: user, signed assertion",
  "tailscale-*": "Tailscale: user",
  "l5d-*": "Linkerd: identity of a meshed client",
  "x-wsproxy-client": "wsproxy: the verified client, where `clientHeader` has another name",
  // The client's certificate, by a proxy that has checked it.
  "client-cert": "RFC 9440",
  "client-cert-chain": "RFC 9440",
  "x-client-cert": "older proxies",
  "x-client-cert-*": "older proxies",
  "ssl-client-*": "ingress-nginx, nginx: certificate, whether it was checked",
  "x-ssl-*": "HAProxy, nginx: certificate, whether it was checked",
  "x-amzn-mtls-*": "AWS Application Load Balancer",
  "x-arr-*": "IIS, Azure App Service: certificate",
  // Headers that change what a backend does with the request.
  proxy: "CGI programs take it for their own HTTP_PROXY (httpoxy)",
  "x-middleware-subrequest": "Next.js: its own middleware is skipped",
};

const NAMES = new Set(Object.keys(CLAIMED_HEADERS).filter((name) => !name.endsWith("*")));
/** With their last hyphen. */
const PREFIXES = new Set(
  Object.keys(CLAIMED_HEADERS).flatMap((name) => (name.endsWith("*") ? [name.slice(0, -1)] : [])),
);
/** Hyphens of the longest prefix. */
const DEEPEST = Math.max(...[...PREFIXES].map((prefix) => prefix.split("-").length - 1));

/** Is this one of the headers that only a proxy writes? `name` is folded. */
export function isClaimed(name: string): boolean {
  if (NAMES.has(name)) return true;
  let hyphen = name.indexOf("-");
  for (let depth = 0; hyphen !== -1 && depth < DEEPEST; depth += 1) {
    if (PREFIXES.has(name.slice(0, hyphen + 1))) return true;
    hyphen = name.indexOf("-", hyphen + 1);
  }
  return false;
}

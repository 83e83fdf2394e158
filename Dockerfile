# The bundle of the program on a Node image, without packages.
# The tag follows the newest patch of the line; `make image RELEASE=1` requires a digest instead.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY test/image/least-node.ts test/image/
# Empty: the build requires the Node of the last security release. Tests set it, because their base image is older.
ARG ANY_NODE=
RUN [ -n "$ANY_NODE" ] || node test/image/least-node.ts
RUN npm ci
COPY . .
RUN npm run build

FROM ${NODE_IMAGE}
ARG VERSION=dev
ARG BASE_NAME=
ARG BASE_DIGEST=
LABEL org.opencontainers.image.title="wsproxy" \
      org.opencontainers.image.description="The WebSocket API gateway for Kubernetes: operator and data plane" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.base.name="${BASE_NAME}" \
      org.opencontainers.image.base.digest="${BASE_DIGEST}" \
      wsproxy.dev/sbom="/app/sbom.cdx.json"
ENV NODE_ENV=production
COPY --from=build /src/LICENSE /src/dist /app/
# A number, because the kubelet can check runAsNonRoot only then. The program writes no file: the root file system may be
# read-only.
USER 65532:65532
EXPOSE 8080 8443 9090
# As in bin/wsproxy: a small young generation, because a tunnel allocates almost nothing.
ENTRYPOINT ["node", "--max-semi-space-size=4", "--heap-growing-percent=30", "/app/wsproxy.js"]
CMD ["--help"]

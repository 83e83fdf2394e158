# The program with all that it needs in a few files, on a Node image and nothing else.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:24-bookworm-slim
ARG VERSION=dev
LABEL org.opencontainers.image.title="wsproxy" \
      org.opencontainers.image.description="The WebSocket API gateway for Kubernetes: operator and data plane" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
ENV NODE_ENV=production
COPY --from=build /src/LICENSE /src/dist /app/
# A number, so that runAsNonRoot can be checked. Nothing is ever written: the root file system may be read-only.
USER 65532:65532
EXPOSE 8080 8443 9090
# As in bin/wsproxy: a small young generation, since a tunnel makes next to nothing that it could collect.
ENTRYPOINT ["node", "--max-semi-space-size=4", "--heap-growing-percent=30", "/app/wsproxy.js"]
CMD ["--help"]

# The worker. `docker compose up` builds it; it needs SLUICE_STORE_URL, SLUICE_STAGE and TEMPORAL_ADDRESS.
FROM node:24.21.0-bookworm-slim AS build
RUN npm install --global --ignore-scripts=false pnpm@12.21.0
WORKDIR /sluice
COPY . .
RUN pnpm install --frozen-lockfile \
  && pnpm exec turbo run build --filter=@sluice/worker \
  && pnpm --filter=@sluice/worker --prod --legacy deploy /worker

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
# Temporal's core looks up the system's certificates for a TLS connection.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /worker /worker
RUN mkdir /stage && chown node:node /stage
USER node
WORKDIR /worker
CMD ["node", "--enable-source-maps", "dist/main.js"]

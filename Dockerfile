# The gateway as an image: production packages, the sources as they are, and Node to run them.
#
#   docker build -t follow-gateway .
#   docker run --read-only -p 4000:4000 -e TENCENT_SDK_APP_ID=… -e TENCENT_SECRET_KEY=… -e TENCENT_REGION=… follow-gateway

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 NODE_COMPILE_CACHE=/app/node_modules/.cache/compiled
COPY --from=packages /app/node_modules node_modules
COPY package.json package-lock.json ./
COPY schema schema
COPY src src
# What a start compiles is kept in the image, since a read-only root file system cannot keep it.
RUN mkdir -p -m 777 node_modules/.cache/compiled
USER node
RUN node --import ./src/serve.ts --import ./src/server.ts --import ./src/auth/jwt.ts --import ioredis \
  --import ./src/telemetry/open-telemetry.ts src/main.ts schema > /dev/null
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Without a shell in between, so that the stop signal reaches the gateway.
CMD ["node", "src/main.ts"]

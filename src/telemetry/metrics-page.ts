import type { RequestListener } from 'node:http';
import type { Registry, RegistryContentType } from 'prom-client';

export const METRICS_PATH = '/metrics';

/** Answers Prometheus; there is nothing else at its port. */
export function createMetricsPage(
  registry: Pick<Registry<RegistryContentType>, 'metrics' | 'contentType'>,
  onFault: (error: unknown) => void,
): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== METRICS_PATH || !['GET', 'HEAD'].includes(request.method ?? '')) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(`There is nothing here; metrics are at ${METRICS_PATH}.\n`);
      return;
    }
    registry.metrics().then(
      (text) => {
        response.writeHead(200, { 'content-type': registry.contentType });
        response.end(text);
      },
      (error) => {
        onFault(error);
        response.writeHead(500).end();
      },
    );
  };
}

// Traces, where an OTEL_* variable names a collector; the SDK is loaded for nobody else.
import type { Logger } from 'pino';
import { type BeginSpan, NO_SPAN } from '../span.ts';

/** Creates what begins traces: from `start` on, and if `isOn`. */
export function createTracing(isOn: boolean, log: Logger) {
  let begin: BeginSpan = () => NO_SPAN;
  let close = async () => {};
  return {
    begin: ((...work) => begin(...work)) as BeginSpan,
    async start(): Promise<void> {
      if (isOn) ({ begin, close } = (await import('./open-telemetry.ts')).startOpenTelemetry(log));
    },
    /** Sends what is left, for a moment. */
    close: () => close(),
  };
}

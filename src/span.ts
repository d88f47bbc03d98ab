/** A piece of work as traces show it. Work without a trace uses `NO_SPAN`, which costs nothing. */
export type Span = {
  /** Null where no trace is kept. */
  readonly traceId: string | null;
  /** Whether it is kept; attributes of others need not be found out. */
  readonly isRecorded: boolean;
  /** Begins a part of this work; `links` are others for which it is done as well. */
  child(name: string, attributes?: Attributes, links?: readonly Span[]): Span;
  /** `error.type` says that the work failed. */
  set(attributes: Attributes): void;
  /** Ends the work, under another name where a better one is known by now. */
  end(name?: string): void;
};

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Begins the span of an operation that came by itself; `headers` may name the trace that it belongs to. */
export type BeginSpan = (name: string, headers: Readonly<Record<string, string | string[] | undefined>>) => Span;

export const NO_SPAN: Span = {
  traceId: null,
  isRecorded: false,
  child: () => NO_SPAN,
  set() {},
  end() {},
};

/** Begins work that is done for several at once: part of the first one's, and linked to each. */
export function sharedSpan(spans: readonly Span[] = [], name: string, attributes?: Attributes): Span {
  const kept = spans.filter(({ isRecorded }) => isRecorded);
  return (kept[0] ?? NO_SPAN).child(name, attributes, kept.length > 1 ? kept : []);
}

/** Does work in a span: its end, and the code of its failure, are noted. */
export async function inSpan<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, name } = error as Error & { code?: unknown };
    span.set({ 'error.type': String(code ?? name) });
    throw error;
  } finally {
    span.end();
  }
}

// Answers to GET requests as HTTP caches see them: how long they hold, for whom, and whether they are still the same.
import type { DocumentNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Clock } from '../clock.ts';
import { dependsOnViewer } from '../graph/viewer-fields.ts';
import type { Visit } from './accounting.ts';
import { cacheControlOf, entityTagOf, isNamedBy, NOT_STORED, varyOf } from './cache-control.ts';

export type CachingDependencies = {
  clock: Clock;
  /** The headers by which a request says who asks. */
  viewerHeaders: readonly string[];
};

type Note = { freshUntil: number; document: DocumentNode | null; cacheControl: string };

type CachingPlugin = Plugin<{ visit: Visit }, { visit: Visit }>;
type Leaving = Parameters<NonNullable<CachingPlugin['onResponse']>>[0];

export type Caching = ReturnType<typeof createCaching>;

/** Makes what tells HTTP caches of answers. Nobody caches the answers to other requests than GET. */
export function createCaching({ clock, viewerHeaders }: CachingDependencies) {
  const varies = ['accept', ...viewerHeaders];
  const notes = new WeakMap<Visit, Note>();

  const plugin: CachingPlugin = {
    onExecute({ args }) {
      const note = notes.get(args.contextValue.visit);
      if (note) note.document = args.document;
    },
    onResultProcess({ serverContext: { visit }, result }) {
      const note = notes.get(visit);
      if (!note?.document || !('data' in result)) return;
      note.cacheControl = cacheControlOf({
        isPublic: visit.exchange.viewer === null && !dependsOnViewer(note.document),
        isWhole: !result.errors?.length && visit.operationType === 'query' && visit.opened?.staleness() === null,
        freshMs: note.freshUntil - clock.now(),
      });
    },
    onResponse(leaving) {
      const { visit } = leaving.serverContext;
      if (isGet(visit) && !visit.exchange.isStream) return label(leaving, visit);
    },
  };

  async function label({ response, setResponse, fetchAPI: { Response } }: Leaving, visit: Visit): Promise<void> {
    const { origin } = visit;
    if (!('response' in origin)) return;
    const { headers, status } = response;
    const type = headers.get('content-type') ?? '';
    // A query can also be answered as a stream of one event, which has no bytes to be compared before it is over.
    const isPlain = status === 200 && type.includes('json');
    const cacheControl = (isPlain && notes.get(visit)?.cacheControl) || NOT_STORED;
    headers.set('cache-control', cacheControl);
    headers.set('vary', varyOf(origin.response.getHeader('vary'), varies));
    if (cacheControl === NOT_STORED) return;
    const body = await response.text();
    const tag = entityTagOf(type, body);
    headers.set('etag', tag);
    const isKnown = isNamedBy(origin.request.headers['if-none-match'], tag);
    if (isKnown) headers.delete('content-type');
    setResponse(isKnown ? new Response(null, { status: 304, headers }) : new Response(body, { status, headers }));
  }

  return {
    plugin,

    /** What is to be told until when each value in the answer is fresh; undefined where nobody wants to know. */
    watch(visit: Visit): ((until: number) => void) | undefined {
      if (!isGet(visit)) return undefined;
      const note: Note = { freshUntil: Number.POSITIVE_INFINITY, document: null, cacheControl: NOT_STORED };
      notes.set(visit, note);
      return (until) => {
        if (until < note.freshUntil) note.freshUntil = until;
      };
    },
  };
}

const isGet = ({ origin }: Visit): boolean => 'request' in origin && origin.request.method === 'GET';

// Changes to the world that somebody asks for in JSON: `{ "op": "follow", "from": "a", "to": "b" }`.

import type { Tags } from './accounts.ts';
import { type Body, isBody } from './body.ts';
import type { PeopleActions } from './people-actions.ts';
import type { World } from './world.ts';

type FieldType = 'text' | 'tags' | 'a whole number';
type Change = {
  needs: { [field: string]: FieldType };
  takes?: { [field: string]: FieldType };
  apply: (fields: Body) => unknown;
};

const IS: Record<FieldType, (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string' && value !== '',
  tags: (value) => isBody(value) && Object.values(value).every((tag) => ['string', 'number'].includes(typeof tag)),
  'a whole number': (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};

export type WorldChanges = ReturnType<typeof createWorldChanges>;

/** Applies one change (its casts rest on the field types checked before) and answers what came of it; throws an Error that names the bad part. */
export function createWorldChanges({ world, act }: { world: World; act: PeopleActions }) {
  const changes: { [op: string]: Change } = {
    follow: {
      needs: { from: 'text', to: 'text' },
      takes: { at: 'a whole number' },
      apply: ({ from, to, at }) => ({ changed: act.follow(from as string, to as string, at as number | undefined) }),
    },
    unfollow: {
      needs: { from: 'text', to: 'text' },
      apply: ({ from, to }) => ({ changed: act.unfollow(from as string, to as string) }),
    },
    setProfile: {
      needs: { id: 'text', tags: 'tags' },
      apply: ({ id, tags }) => ({ changed: act.setProfile(id as string, tags as Tags) }),
    },
    import: {
      needs: { id: 'text' },
      takes: { tags: 'tags' },
      apply: ({ id, tags }) => world.importAccount(id as string, tags as Tags | undefined),
    },
    remove: { needs: { id: 'text' }, apply: ({ id }) => world.removeAccount(id as string) },
    addFans: {
      needs: { id: 'text', count: 'a whole number' },
      apply: ({ id, count }) => world.addFans(id as string, count as number),
    },
  };

  return {
    operations: Object.fromEntries(Object.entries(changes).map(([op, { needs, takes }]) => [op, { needs, takes }])),

    apply(json: unknown): unknown {
      if (!isBody(json)) throw new Error('A change must be a JSON object');
      const { op, ...fields } = json;
      const change = typeof op === 'string' && Object.hasOwn(changes, op) ? changes[op] : undefined;
      if (!change) throw new Error(`Unknown op ${JSON.stringify(op)}; known are ${Object.keys(changes).join(', ')}`);
      for (const [field, type] of Object.entries({ ...change.needs, ...change.takes })) {
        if (fields[field] === undefined && !change.needs[field]) continue;
        if (!IS[type](fields[field])) throw new Error(`${op} needs ${field}: ${type}`);
      }
      return change.apply(fields);
    },
  };
}

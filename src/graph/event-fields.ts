// What all events have in common: when they happened, and where to resume.
import type { InterfaceFieldBuilder } from '@pothos/core';
import type { builder } from './builder.ts';

type SchemaTypes = (typeof builder)['$inferSchemaTypes'];

export const AFTER =
  'The cursor of the last event that you have. What happened since comes first; where some of it is no longer known, `EventsMissed` says so. Left out, events begin from now on.';

export const eventFields = <Event extends { cursor: string; at: number }>(
  t: InterfaceFieldBuilder<SchemaTypes, Event>,
) => ({
  cursor: t.string({
    nullable: false,
    description: 'Resumes right after this event: give it as `after` when you subscribe again.',
    resolve: ({ cursor }) => cursor,
  }),
  at: t.field({
    type: 'DateTime',
    nullable: false,
    description: 'When it happened.',
    resolve: ({ at }) => Math.floor(at / 1000),
  }),
});

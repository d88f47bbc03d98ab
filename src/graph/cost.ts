// Predicts what an operation costs at most, from its document and variables, before anything of it runs: upstream calls
// as they are if nothing is remembered, nothing fails and nobody else asks, and values in its answer.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { type Bill, type Cost, createBill, Exceeded, LARGEST } from './cost-bill.ts';
import { createReader, type Reader, UNKNOWN } from './cost-fields.ts';
import { type Asking, type CostSettings, createUsersCost, type Users } from './cost-users.ts';
import { LARGEST_BATCH } from './federation.ts';
import { LARGEST_LOOKUP } from './user-handle.ts';

export type { Cost, CostSettings };

export type Prediction = {
  /** At most; where it is refused, at least. */
  readonly cost: Cost;
  readonly isTooMuch: boolean;
};

export type Predict = (request: {
  document: DocumentNode;
  operationName?: string | null | undefined;
  /** As they came. */
  variables: Readonly<Record<string, unknown>> | null | undefined;
  viewerId: string | null;
  /** Whether the prediction is shown: what is certainly affordable is else not looked at twice. */
  isShown: boolean;
}) => Prediction | null;

/** What the schema is taken to hold: tools ask for it once, attacks many times. */
const INTROSPECTION_VALUES = 10_000;
/** How many changes one call makes (contract 5). */
const CHANGES_PER_CALL = 20;

/** Makes what predicts; `most` is what an operation may cost. Null: it is an operation that cannot run. */
export function createPredict(schema: GraphQLSchema, most: Cost, settings: CostSettings): Predict {
  /** Operations that are affordable whatever their variables are. */
  const affordable = new WeakMap<DocumentNode, Map<string, boolean>>();

  function isAffordable(document: DocumentNode, operation: OperationDefinitionNode): boolean {
    const known = affordable.get(document) ?? new Map<string, boolean>();
    affordable.set(document, known);
    const name = operation.name?.value ?? '';
    const is = known.get(name) ?? !addUp(document, operation, null, UNKNOWN).isTooMuch;
    known.set(name, is);
    return is;
  }

  function addUp(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown> | null,
    asking: Asking,
  ): Prediction {
    const fragments = new Map(
      document.definitions
        .filter((definition): definition is FragmentDefinitionNode => definition.kind === Kind.FRAGMENT_DEFINITION)
        .map((fragment) => [fragment.name.value, fragment]),
    );
    const bill = createBill(most);
    try {
      addOperation(bill, createReader(fragments, variables, bill.look), operation, asking, settings);
      return { cost: bill.cost(), isTooMuch: false };
    } catch (error) {
      if (error instanceof Exceeded) return { cost: error.cost, isTooMuch: true };
      throw error;
    }
  }

  return ({ document, operationName, variables, viewerId, isShown }) => {
    const operation = getOperationAST(document, operationName);
    if (!operation) return null;
    if (!isShown && isAffordable(document, operation)) return null;
    const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {}, {
      maxErrors: 1,
    });
    return coerced ? addUp(document, operation, coerced, viewerId) : null;
  };
}

function addOperation(
  bill: Bill,
  reader: Reader,
  operation: OperationDefinitionNode,
  asking: Asking,
  settings: CostSettings,
): void {
  const addUsers = createUsersCost(bill, reader, asking, settings);
  const root = {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: '' },
    selectionSet: operation.selectionSet,
  } as const;
  const fields = reader.fieldsOf([root]);
  bill.values(fields.length);

  if (operation.operation === 'mutation') {
    for (const field of fields) if (field.name.value !== '__typename') addChange(field);
    return;
  }
  // All fields of a query ask at once; of a subscription, all of one event.
  const wave = bill.wave(1);
  const byId = new Map<string, Users>();
  const addOne = (field: FieldNode, key: string, id: string | null) => {
    const users = byId.get(key) ?? { from: [], count: 1, id, hasProfile: false };
    byId.set(key, { ...users, from: [...users.from, field] });
  };
  for (const field of fields) {
    switch (field.name.value) {
      case 'user':
      case 'node': {
        const id = reader.argument(field, 'id');
        addOne(field, reader.nameOf(field, 'id'), id === UNKNOWN ? null : String(id));
        break;
      }
      case 'viewer':
        if (asking !== null)
          addOne(field, asking === UNKNOWN ? 'viewer' : `=${asking}`, asking === UNKNOWN ? null : asking);
        break;
      case '__schema':
        bill.values(INTROSPECTION_VALUES);
        break;
      case 'users':
      case 'nodes':
        addMany(field, reader.argument(field, 'ids'), LARGEST_LOOKUP);
        break;
      case '_entities':
        addMany(field, reader.argument(field, 'representations'), LARGEST_BATCH);
        break;
      case 'followEvents':
      case 'profileChanged': {
        const inEvent = reader.fieldsOf([field]);
        bill.values(inEvent.length);
        const from = inEvent.filter(({ name }) => name.value === 'user');
        addUsers({ from, count: 1, id: null, hasProfile: false }, wave);
        break;
      }
    }
  }
  for (const users of byId.values()) addUsers(users, wave);
  bill.close(wave);

  function addMany(field: FieldNode, given: unknown, most: number): void {
    const ids: unknown[] = given === UNKNOWN ? [] : Array.isArray(given) ? given : [given];
    // More are refused.
    const count = given === UNKNOWN ? most : ids.length <= most ? ids.length : 0;
    addUsers({ from: [field], count, id: null, hasProfile: false }, wave);
  }

  /** Changes are made one field after the other. */
  function addChange(field: FieldNode): void {
    if (asking === null) return;
    const input = reader.argument(field, 'input');
    const ids = (input as { userIds?: unknown } | null)?.userIds;
    const isKnown = input !== UNKNOWN && ids !== UNKNOWN;
    const given = Array.isArray(ids) ? ids.length : 1;
    const targets = !isKnown ? settings.maxTargets : given <= settings.maxTargets ? given : 0;
    if (targets === 0) return;
    const known = isKnown && Array.isArray(ids) ? ids.filter((id) => id !== UNKNOWN) : [];
    const distinct = targets - (known.length - new Set(known).size);
    const batches = Math.ceil(distinct / CHANGES_PER_CALL);
    // Relations and the viewer's counts before; the viewer's counts after, and everybody's where they are behind.
    bill.calls(Math.ceil(distinct / LARGEST.relations) + 2 + batches + Math.ceil(distinct / LARGEST.counts));
    const below = reader.fieldsOf([field]);
    const results = reader.fieldsOf(below.filter(({ name }) => name.value === 'results'));
    bill.values(below.length + targets * results.length);
    const wave = bill.wave(1);
    const users = (from: readonly FieldNode[], count: number) =>
      addUsers({ from: from.filter(({ name }) => name.value !== 'userId'), count, id: null, hasProfile: false }, wave);
    users(
      results.filter(({ name }) => name.value === 'user'),
      targets,
    );
    const viewers = below.filter(({ name }) => name.value === 'viewer');
    addUsers({ from: viewers, count: 1, id: asking === UNKNOWN ? null : asking, hasProfile: false }, wave);
    bill.close(wave);
  }
}

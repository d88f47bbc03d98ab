// Operations that did not come over HTTP: checked as Yoga checks those that did, and run when whoever brought them says so.
import { type DocumentNode, type ExecutionArgs, GraphQLError, type GraphQLSchema, getOperationAST } from 'graphql';
import type { Accounting, Visit } from './accounting.ts';
import { type Answer, type Answers, isAnswers } from './answers.ts';
import type { Documents } from './documents.ts';
import type { Operation, Prepared } from './web-socket.ts';

/** Yoga's own steps, with all its plugins around them. */
type Enveloped = {
  parse(text: string): DocumentNode;
  validate(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[];
  contextFactory(): unknown;
  execute(args: ExecutionArgs): Answer | Promise<Answer>;
  subscribe(args: ExecutionArgs): Answer | Answers | Promise<Answer | Answers>;
};

export type PrepareDependencies = {
  schema: GraphQLSchema;
  accounting: Accounting;
  documents: Pick<Documents, 'textOf'>;
  envelop(visit: Visit): Enveloped;
  mask(error: unknown): GraphQLError;
};

/** Makes the check of an operation: why it cannot run, or the way to run it. */
export function createPrepare({ schema, accounting, documents, envelop, mask }: PrepareDependencies) {
  return (operation: Operation): Prepared | Promise<Prepared> => {
    const { operationName, variables, exchange, gone } = operation;
    const visit: Visit = { exchange, origin: { gone: () => gone }, opened: null, operationType: null };
    const enveloped = envelop(visit);
    try {
      const text = documents.textOf(visit, operation, operationName);
      return text instanceof Promise ? text.then(check, (error) => refuse([error]).errors) : check(text ?? '');
    } catch (error) {
      return refuse([error]).errors;
    }

    function check(text: string): Prepared {
      let document: DocumentNode;
      try {
        document = enveloped.parse(text);
      } catch (error) {
        return refuse([error]).errors;
      }
      const problems = enveloped.validate(schema, document);
      if (problems.length > 0) return refuse(problems).errors;
      const known = getOperationAST(document, operationName);
      if (!known) return refuse([unknownOperation()]).errors;
      const args = { schema, document, operationName, variableValues: variables };
      return {
        ...args,
        async run() {
          try {
            const run = known.operation === 'subscription' ? enveloped.subscribe : enveloped.execute;
            const answer = await run({ ...args, contextValue: await enveloped.contextFactory() });
            if (isAnswers(answer)) accounting.stream(visit);
            else accounting.settle(visit, answer);
            return answer;
          } catch (error) {
            return refuse([error]);
          }
        },
      };
    }

    function refuse(errors: readonly unknown[]) {
      const answer = { errors: errors.map(mask) };
      accounting.settle(visit, answer);
      return answer;
    }
  };
}

function unknownOperation(): GraphQLError {
  const extensions = { code: 'OPERATION_RESOLUTION_FAILURE' };
  return new GraphQLError('The document has no such operation, or several and none is named.', { extensions });
}

// Fields whose value depends on the viewer, and documents that select one.
import { BREAK, type DocumentNode, visit } from 'graphql';

/** Their names, on whatever type. The test holds them against what the schema says of its fields. */
export const VIEWER_FIELDS: ReadonlySet<string> = new Set([
  'viewer',
  'viewerIsFollowing',
  'isFollowingViewer',
  'viewerCanFollow',
  'relationTo',
  'knownFans',
]);

/** Whether an answer to this document differs from viewer to viewer. */
export function dependsOnViewer(document: DocumentNode): boolean {
  let depends = false;
  visit(document, {
    Field({ name }) {
      if (!VIEWER_FIELDS.has(name.value)) return undefined;
      depends = true;
      return BREAK;
    },
  });
  return depends;
}

// Fields whose value depends on the viewer, and documents that select one.
import { type DocumentNode, visit } from 'graphql';

/** Their names, on whatever type. The test holds them against what the schema says of its fields. */
export const VIEWER_FIELDS: ReadonlySet<string> = new Set([
  'viewer',
  'viewerIsFollowing',
  'isFollowingViewer',
  'viewerCanFollow',
  'relationTo',
  'knownFans',
]);

const known = new WeakMap<DocumentNode, boolean>();

/** Whether an answer to this document differs from viewer to viewer. */
export function dependsOnViewer(document: DocumentNode): boolean {
  let depends = known.get(document);
  if (depends === undefined) {
    depends = false;
    visit(document, {
      Field({ name }) {
        if (VIEWER_FIELDS.has(name.value)) depends = true;
      },
    });
    known.set(document, depends);
  }
  return depends;
}

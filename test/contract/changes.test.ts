// What clients are promised about changes of the schema, held by codegen.ts itself in a copy of the repository.
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { directoryOf } from '../documents/asking.ts';
import { ROOT } from '../process/start-process.ts';

/** A copy whose code and whose last release can be changed. */
function openCopy() {
  const folder = directoryOf({});
  for (const path of ['codegen.ts', 'package.json', 'src', 'schema', 'deploy/README.md'])
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  return {
    read,
    edit: (path: string, before: string, after: string) => {
      expect(read(path)).toContain(before);
      writeFileSync(join(folder, path), read(path).replace(before, after));
    },
    /** Runs codegen.ts: its exit code, and what it complains of. */
    run: (...args: string[]) =>
      new Promise<{ code: number; complaint: string }>((resolve) => {
        const child = execFile(process.execPath, ['codegen.ts', ...args], { cwd: folder }, (_error, _out, complaint) =>
          resolve({ code: child.exitCode ?? 1, complaint }),
        );
      }),
    /** What the change log says of what is not released yet. */
    unreleased: () => /^## Unreleased\n([\s\S]*?)^## /m.exec(read('schema/CHANGELOG.md'))?.[1] ?? '',
  };
}

const FINE = { code: 0, complaint: '' };
const PROFILE = 'src/graph/profile.ts';
const ITEMS = 'profileItems: t.field({';

/** A field that is added, and one that is deprecated. */
async function addAndDeprecate() {
  const { run, edit, unreleased } = openCopy();
  edit(PROFILE, ITEMS, `rank: t.int({ description: 'The rank.', resolve: () => 1 }),\n${ITEMS}`);
  edit(PROFILE, ITEMS, `${ITEMS} deprecationReason: 'Ask for rank.',`);
  const undated = 'User.profileItems is deprecated: its reason must say until when it stays, as YYYY-MM-DD.\n';
  expect(await run()).toEqual({ code: 1, complaint: undated });

  edit(PROFILE, 'Ask for rank.', 'Ask for rank. Stays until 2027-06-30.');
  expect(await run('--check')).toEqual({ code: 1, complaint: expect.stringContaining('schema/CHANGELOG.md is not') });
  expect(await run()).toEqual(FINE);
  const safe = unreleased().split('### Safe')[1]?.split('\n');
  expect(safe).toContain('- User.rank was added.');
  expect(safe).toContain('- User.profileItems is deprecated: Ask for rank. Stays until 2027-06-30.');
}

/** A field that is removed, and a directive that makes its type fit a supergraph. */
async function removeAndRelease() {
  const { run, edit, read, unreleased } = openCopy();
  // Both were released, and are not there any more.
  const type = 'type User implements Node';
  edit('schema/released/schema.graphql', `${type} @key(fields: "id") {`, '$&\n  shoe: Int\n');
  edit('schema/released/schema.graphql', type, '$& @key(fields: "nick")');
  const removals = ['@key(fields: "nick") was removed from User.', 'User.shoe was removed.'];
  const remedy = 'Keep it, or declare this sentence in schema/breaking-changes.txt.';
  const complaint = removals.map((removal) => `Breaking change: ${removal} ${remedy}\n`).join('');
  expect(await run('--check')).toEqual({ code: 1, complaint });

  edit('schema/breaking-changes.txt', '', `${removals.join('\n')}\n`);
  expect(await run()).toEqual(FINE);
  const entries = expect.arrayContaining(removals.map((removal) => `- ${removal}`));
  const breaksIn = (text: string) => text.split('### Breaking\n')[1]?.split('###')[0]?.split('\n');
  expect(breaksIn(unreleased())).toEqual(entries);

  edit('schema/package.json', '"version": "', '"version": "9.');
  expect(await run('--release')).toEqual(FINE);
  expect(unreleased().trim()).toBe('');
  const [, released = ''] = /^## 9\.\S+ – 20\d\d-\d\d-\d\d\n\n([\s\S]*?)^## /m.exec(read('schema/CHANGELOG.md')) ?? [];
  expect(breaksIn(released)).toEqual(entries);
  expect(read('schema/breaking-changes.txt')).toBe('');
  expect(await run('--check')).toEqual(FINE);
}

test('a field that is added, deprecated or removed, or a directive that is lost, makes its entry; check fails until it is there, and until a break is declared; a release closes the entries', {
  timeout: 120_000,
}, async () => {
  await Promise.all([addAndDeprecate(), removeAndRelease()]);
});

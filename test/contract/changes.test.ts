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

test('a field that is added or deprecated makes its entry, and check fails until it is there', async () => {
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
});

test('a field that is removed makes its entry once it is declared, and fails check before; a release closes the entries', async () => {
  const { run, edit, read, unreleased } = openCopy();
  // The field was released, and is not there any more.
  edit('schema/released/schema.graphql', 'type User implements Node @key(fields: "id") {', '$&\n  shoe: Int\n');
  const removal = 'User.shoe was removed.';
  const complaint = `Breaking change: ${removal} Keep it, or declare this sentence in schema/breaking-changes.txt.\n`;
  expect(await run('--check')).toEqual({ code: 1, complaint });

  edit('schema/breaking-changes.txt', '', `${removal}\n`);
  expect(await run()).toEqual(FINE);
  expect(unreleased().split('### Dangerous')[0]).toContain(`### Breaking\n`);
  expect(unreleased().split('### Dangerous')[0]).toContain(`- ${removal}\n`);

  edit('schema/package.json', '"version": "', '"version": "9.');
  expect(await run('--release')).toEqual(FINE);
  expect(unreleased().trim()).toBe('');
  expect(read('schema/CHANGELOG.md')).toMatch(
    /^## 9\.\S+ – 20\d\d-\d\d-\d\d\n\n### Breaking\n\n(- .*\n)*- User.shoe was removed\.$/m,
  );
  expect(read('schema/breaking-changes.txt')).toBe('');
  expect(await run('--check')).toEqual(FINE);
});

test('directives that make a type fit a supergraph may not get lost either', async () => {
  const { run, edit } = openCopy();
  edit('schema/released/schema.graphql', 'type User implements Node', '$& @key(fields: "nick")');
  expect(await run('--check')).toMatchObject({
    code: 1,
    complaint: expect.stringContaining('@key(fields: "nick") was removed from User.'),
  });
});

import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const ROOT = `${import.meta.dirname}/../../`;

it('every fact of the upstream that a comment cites is in src/tencent/CONTRACT.md', () => {
  const contract = readFileSync(`${ROOT}src/tencent/CONTRACT.md`, 'utf8');
  const sections = new Set([...contract.matchAll(/^(?:#+|\|) (U?\d+(?:\.\d+)?)\b/gm)].map(([, section]) => section));
  const cited = globSync(['src/**/*.ts', 'test/**/*.ts'], { cwd: ROOT }).flatMap((file) =>
    [...readFileSync(ROOT + file, 'utf8').matchAll(/CONTRACT ((?:U?\d{1,2}(?:\.\d)?\b(?:, | and | to )?)+)/g)].flatMap(
      ([, list = '']) => list.match(/U?\d+(?:\.\d+)?/g)?.map((section) => ({ file, section })),
    ),
  );
  expect(cited.length).toBeGreaterThan(50);
  expect(cited.filter((citation) => citation && !sections.has(citation.section))).toEqual([]);
});

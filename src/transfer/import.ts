// The command `import`: accounts and follows out of a CSV file, in its order, once each however often it is run.
import { constants, isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Environment, readConfig } from '../config.ts';
import { CommandFailure, GatewayError } from '../errors.ts';
import type { Outcome } from '../follow/services.ts';
import { parseJson } from '../json.ts';
import { importAccounts } from '../tencent/account-service.ts';
import { MAX_VALUE_BYTES } from '../tencent/profile.ts';
import { isAboutRequest } from '../tencent/upstream-errors.ts';
import { type Row, readTable } from './csv.ts';
import { connectUpstream, createPauses, failureOf, inBackground } from './upstream.ts';

type Upstream = Awaited<ReturnType<typeof connectUpstream>>;
type Answers = ReadonlyMap<Row, Outcome<string>>;

const IMPORTS = {
  follows: { columns: ['from', 'to'], more: [], maxGroups: 32, send: sendFollows },
  accounts: { columns: ['id'], more: ['nick', 'avatar'], maxGroups: 100, send: sendAccounts },
} as const;
export type Import = keyof typeof IMPORTS;

/** The most lines of a batch: a kill has them sent once more, and the upstream orders them as it likes. */
const MAX_BATCH = 640;

/** Runs the command; resolves with whether nothing was refused. */
export async function importFile(
  env: Environment,
  kind: Import,
  path: string,
  print: (text: string) => void,
): Promise<boolean> {
  const config = readConfig(env);
  const { columns, more, maxGroups, send } = IMPORTS[kind];
  const unreadable = ({ code }: NodeJS.ErrnoException) => {
    throw new CommandFailure(`${path} cannot be read: ${code}`);
  };
  const { size } = await stat(path).catch(unreadable);
  if (size > constants.MAX_STRING_LENGTH) throw new CommandFailure(`${path} is too large: split it.`);
  const content = await readFile(path).catch(unreadable);
  if (!isUtf8(content)) throw new CommandFailure(`${path} is not UTF-8. Save it as that.`);
  const progress = await readProgress(path, content, `${config.tencent.baseUrl} ${config.tencent.sdkAppId}`);
  const rows = readTable(content.toString().replace(/^\uFEFF/, ''), columns, more, progress.line);
  if (!rows) throw new CommandFailure(`The first line of ${path} must name the columns ${columns.join()}, each once.`);
  await writeProgress(path, progress);
  if (progress.line > 1) print(`Goes on after line ${progress.line}.\n`);
  const upstream = await connectUpstream(config);
  for (const batch of batchesOf(rows, columns[0], maxGroups)) {
    for (const row of batch) row.fault ??= faultIn(row.cells, columns, config.userIdPattern);
    const answers = await settle(
      batch.filter(({ fault }) => fault === null),
      (rows) => send(upstream, rows),
    );
    for (const row of batch) note(row, answers.get(row));
    await writeProgress(path, progress);
  }
  await upstream.close();
  print(`${progress.done} lines are imported, ${progress.refused} are refused.\n`);
  return progress.refused === 0;

  function note({ line, fault }: Row, answer: Outcome<string> | undefined): void {
    progress.line = line;
    progress[fault === null && answer === 'done' ? 'done' : 'refused']++;
    const failure = fault ?? (answer instanceof GatewayError ? refusalIn(answer) : answer);
    if (failure !== 'done') print(`line ${line}: ${failure}\n`);
  }
}

/** How far an import has come, kept in a small file beside the imported one. */
const PROGRESS = z.object({ digest: z.string(), line: z.int(), done: z.int(), refused: z.int() });

/** `line` is the last one that was answered; the first line has the names. */
type Progress = z.infer<typeof PROGRESS>;

const pathOf = (path: string) => `${path}.progress`;

/** Reads what is kept; a file that has changed, or goes to another app, begins at its beginning. */
async function readProgress(path: string, content: Uint8Array, app: string): Promise<Progress> {
  const digest = createHash('sha256').update(`${app}\n`).update(content).digest('hex');
  const kept = await readFile(pathOf(path), 'utf8').catch(() => '');
  const { data } = PROGRESS.safeParse(parseJson(kept));
  return data?.digest === digest ? data : { digest, line: 1, done: 0, refused: 0 };
}

/** A kill leaves the old one or the new one whole. */
async function writeProgress(path: string, progress: Progress): Promise<void> {
  try {
    await writeFile(`${pathOf(path)}.new`, JSON.stringify(progress));
    await rename(`${pathOf(path)}.new`, pathOf(path));
  } catch (error) {
    throw new CommandFailure(`${pathOf(path)} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** In the order of the file; a batch has few groups, since each is a call, and all go side by side. */
function* batchesOf(rows: Iterable<Row>, groupedBy: string, maxGroups: number): Generator<Row[]> {
  let batch: Row[] = [];
  let groups = new Set<string | undefined>();
  for (const row of rows) {
    const group = row.cells[groupedBy];
    if (batch.length === MAX_BATCH || (groups.size === maxGroups && !groups.has(group))) {
      yield batch;
      [batch, groups] = [[], new Set()];
    }
    batch.push(row);
    groups.add(group);
  }
  if (batch.length > 0) yield batch;
}

function faultIn(cells: Row['cells'], columns: readonly string[], pattern: RegExp): string | null {
  const impossible = columns.map((name) => cells[name] ?? '').find((id) => !pattern.test(id));
  if (impossible !== undefined) return `"${impossible}" cannot be a UserID`;
  if (cells.from !== undefined && cells.from === cells.to) return 'nobody follows themselves';
  const long = ['nick', 'avatar'].find((name) => Buffer.byteLength(cells[name] ?? '') > MAX_VALUE_BYTES);
  return long ? `${long} has more than ${MAX_VALUE_BYTES} bytes` : null;
}

/** Sends until every line is done or refused; rejects when the upstream has no use for another try. */
async function settle(rows: readonly Row[], send: (rows: readonly Row[]) => Promise<Answers>): Promise<Answers> {
  const answers = new Map<Row, Outcome<string>>();
  const pause = createPauses();
  for (let open = rows; open.length > 0; ) {
    for (const [row, answer] of await send(open)) answers.set(row, answer);
    open = open.filter((row) => isOpen(answers.get(row)));
    const failure = open.map((row) => answers.get(row)).find(isOpen);
    if (!failure || (await pause(failure))) continue;
    // Some others have been answered: it is these lines.
    if (failure.upstream?.retryable && open.length < rows.length) break;
    const { message } = failureOf(failure);
    throw new CommandFailure(`Stopped before line ${rows[0]?.line}: ${message}\nRun it again to go on from there.`);
  }
  return answers;
}

const isOpen = (answer: Outcome<string> | undefined): answer is GatewayError =>
  answer instanceof GatewayError && !isAboutRequest(answer);

const refusalIn = ({ message, upstream }: GatewayError): string =>
  upstream?.errorCode ? `${message} (${upstream.errorCode})` : message;

async function sendFollows({ follows }: Upstream, rows: readonly Row[]): Promise<Answers> {
  const answers = new Map<Row, Outcome<string>>();
  const byFan = Map.groupBy(rows, ({ cells }) => cells.from as string);
  const calls = Array.from(byFan, async ([from, own]) => {
    const targets = own.map(({ cells }) => cells.to as string);
    const batch = await follows.follow(from, targets, inBackground());
    for (const [index, row] of own.entries()) answers.set(row, batch.get(targets[index] as string) as Outcome<string>);
  });
  await Promise.all(calls);
  return answers;
}

async function sendAccounts({ client }: Upstream, rows: readonly Row[]): Promise<Answers> {
  const named = rows.map(({ cells: { id = '', nick, avatar } }) => ({ id, nick, avatar }));
  const batch = await importAccounts(client, named, inBackground());
  return new Map(rows.map((row) => [row, batch.get(row.cells.id as string) as Outcome<string>]));
}

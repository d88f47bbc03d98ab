// CSV by lines, with quotation marks as RFC 4180 has them; a cell holds no line break, so that every line has its number.

export type Row = {
  /** From 1 on, the line of names included. */
  line: number;
  cells: Record<string, string>;
  /** Why the line cannot be right; null when it can. */
  fault: string | null;
};

/**
 * Reads the lines of a table after line `after`, blank ones left out; null when its first line does not name `columns`, or
 * names one of these or of `more` twice.
 */
export function readTable(
  text: string,
  columns: readonly string[],
  more: readonly string[],
  after: number,
): Iterable<Row> | null {
  const lines = text.split(/\r?\n/);
  const names = readCells(lines[0] ?? '') ?? [];
  const isTwice = (name: string) => names.indexOf(name) !== names.lastIndexOf(name);
  if (!columns.every((name) => names.includes(name)) || [...columns, ...more].some(isTwice)) return null;
  return readRows(lines, names, after);
}

function* readRows(lines: readonly string[], names: readonly string[], after: number): Generator<Row> {
  for (const [index, text] of lines.entries()) {
    if (index < after || !text) continue;
    const [line, cells] = [index + 1, readCells(text)];
    if (cells?.length !== names.length)
      yield { line, cells: {}, fault: cells ? `has ${cells.length} cells, not ${names.length}` : 'is no CSV' };
    else yield { line, cells: Object.fromEntries(names.map((name, n) => [name, cells[n] ?? ''])), fault: null };
  }
}

function readCells(line: string): string[] | null {
  const cells = line.match(/(?<=^|,)(?:"[^"]*(?:""[^"]*)*"|[^",]*)(?=,|$)/g) ?? [];
  if (cells.join() !== line) return null;
  return cells.map((cell) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell));
}

/** One line, ended by a line break. */
export const writeLine = (cells: readonly string[]): string =>
  `${cells.map((cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join()}\n`;

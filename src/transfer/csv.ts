// CSV by lines, with quotation marks as RFC 4180 has them; a cell holds no line break, so that every line has its number.

export type Row = {
  /** From 1 on, the line of names included. */
  line: number;
  cells: Record<string, string>;
  /** Why the line cannot be right; null when it can. */
  fault: string | null;
};

/** Reads the lines of a table after line `after`, blank ones left out; null when its first line does not name `columns`. */
export function readTable(text: string, columns: readonly string[], after: number): Row[] | null {
  const [first = '', ...lines] = text.split(/\r?\n/);
  const names = readCells(first) ?? [];
  if (!columns.every((name) => names.includes(name))) return null;
  return lines.slice(after - 1).flatMap((text, index) => {
    if (text === '') return [];
    const cells = readCells(text);
    const isWhole = cells?.length === names.length;
    const fault = isWhole ? null : cells ? `has ${cells.length} cells, not ${names.length}` : 'is no CSV';
    const named = isWhole ? names.map((name, n) => [name, cells[n] ?? ''] as const) : [];
    return [{ line: after + 1 + index, cells: Object.fromEntries(named), fault }];
  });
}

function readCells(line: string): string[] | null {
  const cells = line.match(/(?<=^|,)(?:"[^"]*(?:""[^"]*)*"|[^",]*)(?=,|$)/g) ?? [];
  if (cells.join() !== line) return null;
  return cells.map((cell) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell));
}

/** One line, ended by a line break. */
export const writeLine = (cells: readonly string[]): string =>
  `${cells.map((cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join()}\n`;

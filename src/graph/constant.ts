// What compiled execution may take as written once (`src/execution/texts.ts`).

/** For fields whose value depends on their source alone, never on the context; and neither it nor the source ever changes. */
export const CONSTANT = { constant: true } as const;

/** For fields of which that holds for some sources. */
export const constantFor = <Source>(isConstant: (source: Source) => boolean) => ({ constant: isConstant });

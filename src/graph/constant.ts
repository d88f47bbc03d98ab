// What compiled execution may take as written once (`src/execution/texts.ts`).

/**
 * For fields whose value depends on nothing but their source and the gateway's settings, and never changes: not on the
 * viewer, the time, arguments, or anything that may be remembered or forgotten.
 */
export const CONSTANT = { constant: true } as const;

/** For fields of which that holds for some sources. */
export const constantFor = <Source>(isConstant: (source: Source) => boolean) => ({ constant: isConstant });

// What a part of the benchmark is asked for, and what it gives.

export type Plan = {
  /** Short rounds: figures that show an order of magnitude within two minutes. */
  quick: boolean;
};

/** A section of the results, in Markdown. */
export type Section = { title: string; lines: readonly string[] };

export type Part = (plan: Plan) => Promise<Section>;

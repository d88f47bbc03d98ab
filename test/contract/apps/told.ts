// What the apps share: where the gateway is, and how they tell the test what they show.
export const url = String(process.argv[2]);

export function told(shown: { button: unknown[]; members: string[]; afterEvent: string[]; rest?: unknown }): never {
  process.stdout.write(JSON.stringify(shown));
  process.exit(0);
}

export async function untilTrue(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise((resolve) => setTimeout(resolve, 20));
}

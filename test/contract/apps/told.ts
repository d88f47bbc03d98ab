// What the apps share: where the gateway is, and how they tell the test what they show.
export const url = String(process.argv[2]);

type Shown = { button: unknown[]; members: string[]; afterEvent: string[]; rest?: unknown };

export function told(shown: Shown): never {
  process.stdout.write(JSON.stringify(shown));
  process.exit(0);
}

export async function untilTrue(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The newcomer ceases to follow the star. */
export const leave = () =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-viewer-id': 'newcomer' },
    body: JSON.stringify({ query: 'mutation { unfollowUsers(input: { userIds: ["star"] }) { viewer { id } } }' }),
  });

/** The upstream's largest page (CONTRACT 4.1, `WantNum`). */
const LARGEST_PAGE = 1000;

/**
 * How many members to ask the upstream for when a client wants `first`: whole chunks, so that client pages of many
 * sizes are cut from the same few upstream pages, and one call still fills a large client page.
 */
export function upstreamPageSize(first: number, chunkSize: number): number {
  return Math.min(LARGEST_PAGE, Math.max(1, Math.ceil(first / chunkSize)) * chunkSize);
}

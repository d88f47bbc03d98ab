// Profile tags that the app does not have: one wrong key in the settings must not cost everyone's profile (contract 6.1).
import type { Clock } from '../clock.ts';
import { isolate } from './isolate.ts';
import { CUSTOM_TAG_PREFIX } from './profile.ts';
import type { Report } from './report.ts';
import type { UpstreamRefusal } from './upstream-errors.ts';

/** Which of the configured tags the upstream takes at present. */
export type RefusedTags = {
  /** The tags to ask for now, and those left out because the app does not have them. */
  split(): { asked: string[]; refused: string[] };
  /**
   * Finds out which of `asked` the upstream refused with 40009. `refuses` asks about some of them;
   * callers that come while one is finding out wait for its result.
   */
  learn(
    asked: readonly string[],
    refusal: UpstreamRefusal,
    refuses: (tags: readonly string[]) => Promise<boolean>,
  ): Promise<void>;
};

// A tag made in the console works after about five minutes (contract 6.3), so none is given up for longer.
const REMEMBERED_MS = 5 * 60_000;

/** Creates the memory of refused tags; nothing is refused at first. */
export function createRefusedTags(tags: readonly string[], clock: Clock, report: Report): RefusedTags {
  const refusedUntil = new Map<string, number>();
  const reported = new Set<string>();
  let finding: Promise<void> | undefined;

  const isRefused = (tag: string) => (refusedUntil.get(tag) ?? 0) > clock.now();

  function remember(found: readonly string[]): void {
    for (const tag of found) {
      refusedUntil.set(tag, clock.now() + REMEMBERED_MS);
      if (reported.has(tag)) continue;
      reported.add(tag);
      report('the app does not have this profile tag: create it in the console or take it out of the settings', {
        tag,
      });
    }
  }

  async function find(
    asked: readonly string[],
    refusal: UpstreamRefusal,
    refuses: (tags: readonly string[]) => Promise<boolean>,
  ): Promise<void> {
    const named = new Set(refusal.errorInfo.match(/Tag_Profile_\w+/g) ?? []);
    const culprits = asked.filter((tag) => named.has(tag));
    if (culprits.length > 0) return remember(culprits);
    // What was refused before its time was up is most likely still missing: no question needed to try without it.
    const again = asked.filter((tag) => refusedUntil.has(tag));
    if (again.length > 0) return remember(again);
    const custom = asked.filter((tag) => tag.startsWith(CUSTOM_TAG_PREFIX));
    const standard = asked.filter((tag) => !tag.startsWith(CUSTOM_TAG_PREFIX));
    const customAreGuilty = custom.length > 0 && (await refuses(custom));
    remember(await isolate(customAreGuilty ? custom : standard, refuses));
  }

  return {
    split() {
      const refused = tags.filter(isRefused);
      return { asked: tags.filter((tag) => !refused.includes(tag)), refused };
    },
    async learn(asked, refusal, refuses) {
      if (asked.some(isRefused)) return; // another caller has learned it meanwhile
      if (finding !== undefined) {
        // The finder's failure is its own: whoever waited asks again and finds out for itself.
        await finding.catch(() => {});
        return;
      }
      finding = find(asked, refusal, refuses);
      try {
        await finding;
      } finally {
        finding = undefined;
      }
    },
  };
}

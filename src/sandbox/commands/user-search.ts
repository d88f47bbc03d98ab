// search: who has the keywords in their nick, or has one as UserID, the newest changes first (CONTRACT 12). Dormant accounts
// are not among them.
import { readBatch } from '../checks.ts';
import { type Handler, type Parts, Refusal } from '../envelope.ts';

const MAX_KEYWORDS = 5;
const MAX_COUNT = 100;

export function createUserSearch({ world, now }: Parts): Handler {
  return ({ Keywords, KeywordMatchType = 0, Count, Cursor = '' }, { faults }) => {
    if (faults.searchOff) throw new Refusal(60020, 'cloud search is not part of the plan');
    const words = readBatch(Keywords, { field: 'Keywords', max: MAX_KEYWORDS, code: 30001 });
    if (!Number.isInteger(Count) || Number(Count) < 1) throw new Refusal(30001, 'Count must be a positive integer');
    if (!/^\d{0,9}$/.test(String(Cursor))) throw new Refusal(30001, 'Cursor is not one of this search');

    const indexedAt = now() - (faults.searchLag?.ms ?? 0);
    const found = world.awake().filter(([id, { items, changedAt }]) => {
      const nick = String(items.find(({ Tag }) => Tag === 'Tag_Profile_IM_Nick')?.Value ?? '').toLowerCase();
      const isHit = (word: string) => id === word || nick.includes(word.toLowerCase());
      return changedAt <= indexedAt && (KeywordMatchType === 1 ? words.every(isHit) : words.some(isHit));
    });
    found.sort(([a, one], [b, other]) => other.changedAt - one.changedAt || (a < b ? -1 : 1));
    const end = Number(Cursor) + Math.min(Number(Count), MAX_COUNT);
    const Users = found.slice(Number(Cursor), end).map(([UserID, { items }]) => ({
      UserID,
      ProfileItems: items
        .filter(({ Tag }) => !Tag.startsWith('Tag_Profile_Custom_'))
        .map(({ Tag, Value }) => (typeof Value === 'string' ? { Tag, StrValue: Value } : { Tag, IntValue: Value })),
    }));
    return {
      Users,
      IsFinish: end >= found.length,
      TotalCount: found.length,
      Cursor: end < found.length ? `${end}` : '',
    };
  };
}

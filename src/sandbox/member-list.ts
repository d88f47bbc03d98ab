// One list of a user (fans, follows or mutuals), kept in the order in which pages are read: newest first, equal times
// by account (CONTRACT U3). Sorting waits for the first read, so that filling a list of 100,000 stays cheap.

export type Member = { id: string; time: number };

export type MemberList = { members: Member[]; sorted: boolean };

export function memberList(members: Member[] = []): MemberList {
  return { members, sorted: false };
}

/** The members in page order. Callers read it, they never change it. */
export function inOrder(list: MemberList): readonly Member[] {
  if (!list.sorted) list.members.sort(compareMembers);
  list.sorted = true;
  return list.members;
}

export function addMember(list: MemberList, member: Member): void {
  if (list.sorted) list.members.splice(indexOf(list.members, member), 0, member);
  else list.members.push(member);
}

export function removeMember(list: MemberList, member: Member): void {
  const index = indexOf(inOrder(list), member);
  if (list.members[index]?.id === member.id) list.members.splice(index, 1);
}

/** Index of the first member that stands after `position`, whether or not that position is still taken. */
export function indexAfter(list: MemberList, position: Member): number {
  const index = indexOf(inOrder(list), position);
  const taken = list.members[index];
  return taken && compareMembers(taken, position) === 0 ? index + 1 : index;
}

/** Where the member is, or belongs, by binary search. */
function indexOf(members: readonly Member[], member: Member): number {
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareMembers(members[middle] as Member, member) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareMembers(a: Member, b: Member): number {
  if (a.time !== b.time) return b.time - a.time;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

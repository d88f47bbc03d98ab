// The upstream's words: shapes of the REST bodies (CONTRACT 4, 6). Types only.
import type { COMMANDS } from './commands.ts';

/** Every command that this project knows. */
export type Command = keyof typeof COMMANDS;

/** The part that every answer has (CONTRACT 1.4). HTTP status is 200 for business errors too. */
export type Envelope = {
  ActionStatus: 'OK' | 'FAIL';
  ErrorCode: number;
  ErrorInfo?: string;
  ErrorDisplay?: string;
  RequestId?: string;
};

/** One per key of a batch; 0 = processed (CONTRACT 3). */
export type ItemResult = { To_Account: string; ResultCode: number; ResultInfo: string };

export type WireProfileItem = { Tag: string; Value: string | number };

/** 1 = fans, 2 = follows, 3 = mutuals: one orientation in `follow_get` and `follow_check` (CONTRACT 4.0). */
export type FollowGetType = 1 | 2 | 3;

/** 0 = none; 1 = To follows From; 2 = From follows To; 3 = both (CONTRACT 4.0). */
export type FollowCheckType = 0 | 1 | 2 | 3;

export type WireFollowItem = {
  To_Account: string;
  /** Unix seconds. */
  FollowTime: number;
  ProfileItem?: WireProfileItem[];
  profile_sequence?: number;
};
export type FollowGetResponse = Envelope & { FollowItem?: WireFollowItem[]; NextCursor: string };

export type FollowChangeResponse = Envelope & { ResultItem: ItemResult[] };

export type FollowCheckResponse = Envelope & { ResultItem: (ItemResult & { FollowType?: FollowCheckType })[] };

export type WireFollowInfo = ItemResult & {
  FollowerCount?: number;
  FollowingCount?: number;
  MutualFollowingCount?: number;
};
export type FollowGetInfoResponse = Envelope & { FollowInfo: WireFollowInfo[] };

export type PortraitGetResponse = Envelope & {
  UserProfileItem: (ItemResult & { ProfileItem?: WireProfileItem[] })[];
  Fail_Account?: string[];
};

export type AccountCheckResponse = Envelope & {
  ResultItem: { UserID: string; ResultCode: number; ResultInfo: string; AccountStatus?: 'Imported' | 'NotImported' }[];
};

export type AccountImportResponse = Envelope & { FailAccounts?: string[] };

export type BlackListChangeResponse = Envelope & { ResultItem: ItemResult[]; Fail_Account?: string[] };

/** Who blocks whom, from `From_Account` (A) to the other (B). */
export type BlackCheckRelation = `BlackCheckResult_Type_${'NO' | 'AWithB' | 'BWithA' | 'BothWay'}`;
export type BlackListCheckResponse = Envelope & {
  BlackListCheckItem: (ItemResult & { Relation?: BlackCheckRelation })[];
  Fail_Account?: string[];
};

/** `AddBlackTimeStamp` is Unix seconds; a `StartIndex` of 0 ends the list. */
export type BlackListGetResponse = Envelope & {
  BlackListItem?: { To_Account: string; AddBlackTimeStamp: number }[];
  StartIndex: number;
};

export type WireStatus = 'Online' | 'PushOnline' | 'Offline';
export type OnlineStatusResponse = Envelope & {
  QueryResult: { To_Account: string; Status?: WireStatus; Detail?: { Platform: string; Status: WireStatus }[] }[];
  ErrorList?: { To_Account: string; ErrorCode: number }[];
};

export type UserSearchResponse = Envelope & {
  Users: { UserID: string; ProfileItems: { Tag: string; StrValue?: string; IntValue?: number }[] }[];
  IsFinish: boolean;
  TotalCount: number;
  Cursor: string;
};

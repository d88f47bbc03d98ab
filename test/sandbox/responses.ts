// The shapes of the upstream's answers (CONTRACT 4, 6, 10 to 12), as the sandbox gives them.
import type { BlackCheckRelation, Envelope, ItemResult, WireProfileItem, WireStatus } from '../../src/tencent/wire.ts';

/** 0 = none; 1 = To follows From; 2 = From follows To; 3 = both (CONTRACT 4.0). */
type FollowCheckType = 0 | 1 | 2 | 3;

export type WireFollowItem = {
  To_Account: string;
  /** Unix seconds. */
  FollowTime: number;
  ProfileItem?: WireProfileItem[];
  profile_sequence?: number;
};
type FollowGetResponse = Envelope & { FollowItem?: WireFollowItem[]; NextCursor: string };

type FollowChangeResponse = Envelope & { ResultItem: ItemResult[] };

type FollowCheckResponse = Envelope & { ResultItem: (ItemResult & { FollowType?: FollowCheckType })[] };

type WireFollowInfo = ItemResult & {
  FollowerCount?: number;
  FollowingCount?: number;
  MutualFollowingCount?: number;
};
type FollowGetInfoResponse = Envelope & { FollowInfo: WireFollowInfo[] };

type PortraitGetResponse = Envelope & {
  UserProfileItem: (ItemResult & { ProfileItem?: WireProfileItem[] })[];
  Fail_Account?: string[];
};

type AccountCheckResponse = Envelope & {
  ResultItem: { UserID: string; ResultCode: number; ResultInfo: string; AccountStatus?: 'Imported' | 'NotImported' }[];
};

type AccountImportResponse = Envelope & { FailAccounts?: string[] };

type BlackListChangeResponse = Envelope & { ResultItem: ItemResult[]; Fail_Account?: string[] };

type BlackListCheckResponse = Envelope & {
  BlackListCheckItem: (ItemResult & { Relation?: BlackCheckRelation })[];
  Fail_Account?: string[];
};

/** `AddBlackTimeStamp` is Unix seconds; a `StartIndex` of 0 ends the list. */
type BlackListGetResponse = Envelope & {
  BlackListItem?: { To_Account: string; AddBlackTimeStamp: number }[];
  StartIndex: number;
};

type OnlineStatusResponse = Envelope & {
  QueryResult: { To_Account: string; Status?: WireStatus; Detail?: { Platform: string; Status: WireStatus }[] }[];
  ErrorList?: { To_Account: string; ErrorCode: number }[];
};

type UserSearchResponse = Envelope & {
  Users: { UserID: string; ProfileItems: { Tag: string; StrValue?: string; IntValue?: number }[] }[];
  IsFinish: boolean;
  TotalCount: number;
  Cursor: string;
};

/** What each command answers. */
export type Responses = {
  follow_get: FollowGetResponse;
  follow_get_info: FollowGetInfoResponse;
  follow_check: FollowCheckResponse;
  follow_add: FollowChangeResponse;
  follow_delete: FollowChangeResponse;
  portrait_get: PortraitGetResponse;
  portrait_set: Envelope;
  black_list_add: BlackListChangeResponse;
  black_list_delete: BlackListChangeResponse;
  black_list_check: BlackListCheckResponse;
  black_list_get: BlackListGetResponse;
  query_online_status: OnlineStatusResponse;
  account_check: AccountCheckResponse;
  multiaccount_import: AccountImportResponse;
  search: UserSearchResponse;
};

// Made by codegen.ts from the schema; do not edit.
/** Which types an interface or a union stands for. */
export const possibleTypes: Record<string, string[]> = {
  "BlockChangeResult": [
    "BlockChanged",
    "BlockFailure",
    "BlockUnchanged"
  ],
  "FollowChangeResult": [
    "FollowChanged",
    "FollowFailure",
    "FollowUnchanged"
  ],
  "FollowEvent": [
    "EventsMissed",
    "FanGained",
    "FanLost",
    "MutualGained"
  ],
  "Node": [
    "User"
  ],
  "ProfileEvent": [
    "EventsMissed",
    "ProfileChanged"
  ]
};

/** Connections by type and field, with the arguments that make each a list of its own. */
export const pagedFields: Record<string, Record<string, string[]>> = {
  "Query": {
    "blockedUsers": [],
    "searchUsers": [
      "text"
    ]
  },
  "User": {
    "fans": [
      "matching",
      "orderBy"
    ],
    "follows": [
      "matching",
      "orderBy"
    ],
    "knownFans": [],
    "mutuals": [
      "matching",
      "orderBy"
    ]
  }
};

/** Fields of `Query` that look an object up by its `id`, and its type. */
export const lookups: Record<string, string> = {
  "node": "User",
  "user": "User"
};

/** Types without an `id`, which belong to what shows them. */
export const embeddedTypes: string[] = [
  "BlockChanged",
  "BlockFailure",
  "BlockUnchanged",
  "BlockUsersPayload",
  "BlockedConnection",
  "BlockedEdge",
  "CustomField",
  "EventsMissed",
  "FanGained",
  "FanLost",
  "FollowChanged",
  "FollowConnection",
  "FollowEdge",
  "FollowFailure",
  "FollowUnchanged",
  "FollowUsersPayload",
  "KnownFansConnection",
  "KnownFansEdge",
  "MutualGained",
  "NewFans",
  "PageInfo",
  "Presence",
  "PresenceChanged",
  "ProfileChanged",
  "ProfileFailure",
  "ProfileItem",
  "RemoveFansPayload",
  "Suggestion",
  "Suggestions",
  "UnblockUsersPayload",
  "UnfollowUsersPayload",
  "UpdateProfilePayload",
  "UserConnection",
  "UserEdge"
];

/** What can be changed. */
export const mutations: string[] = [
  "blockUsers",
  "followUsers",
  "removeFans",
  "unblockUsers",
  "unfollowUsers",
  "updateProfile"
];

/** What can be heard, with its arguments. */
export const events: Record<string, string[]> = {
  "followEvents": [
    "after",
    "userId"
  ],
  "presenceChanged": [
    "userIds"
  ],
  "profileChanged": [
    "after",
    "userIds"
  ]
};

/** What each scalar is. */
export type Scalars = {
  Date: string;
  DateTime: string;
  ProfileValue: string | number;
  URL: string;
};

/** `extensions.code` of an error; more may be added. */
export type ErrorCode =
  /** an argument or variable cannot be right: a malformed id, `first` out of bounds, a wrong type */
  | 'BAD_USER_INPUT'
  /** `after`, `before` or `since` is not a cursor of this list of this user, or the upstream no longer takes it */
  | 'INVALID_CURSOR'
  /** credentials are missing or wrong */
  | 'UNAUTHENTICATED'
  /** this viewer may not do that, or a limit of the two users' lists forbids it */
  | 'FORBIDDEN'
  /** there is no such account */
  | 'USER_NOT_FOUND'
  /** the app's plan lacks the feature, or it is switched off in the console */
  | 'FEATURE_NOT_ENABLED'
  /** the upstream's call rate is used up, or, with HTTP 429, what this client may ask for */
  | 'THROTTLED'
  /** the upstream, or the whole request, took too long */
  | 'UPSTREAM_TIMEOUT'
  /** the upstream failed, or gave no answer that can be read */
  | 'UPSTREAM_UNAVAILABLE'
  /** the upstream does not accept the gateway's key, app, region or tags */
  | 'UPSTREAM_MISCONFIGURED'
  /** the operation, or its answer, is too long, too deep, or may take too many calls to the upstream */
  | 'OPERATION_TOO_EXPENSIVE'
  /** only trusted documents run here, and this is not one of them (HTTP 400) */
  | 'DOCUMENT_NOT_TRUSTED'
  /** no document has this id (HTTP 200 with `application/json`, as Apollo's clients want it, else 400) */
  | 'PERSISTED_QUERY_NOT_FOUND'
  /** documents are known by no id here (the same statuses) */
  | 'PERSISTED_QUERY_NOT_SUPPORTED'
  /** the document, or the HTTP request around it, is malformed */
  | 'GRAPHQL_PARSE_FAILED'
  /** the document, or the HTTP request around it, is malformed */
  | 'GRAPHQL_VALIDATION_FAILED'
  /** the document, or the HTTP request around it, is malformed */
  | 'OPERATION_RESOLUTION_FAILURE'
  /** the document, or the HTTP request around it, is malformed */
  | 'BAD_REQUEST'
  /** a bug of the gateway */
  | 'INTERNAL_SERVER_ERROR';

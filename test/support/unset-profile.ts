import type { Profile } from '../../src/follow/model.ts';

/** The fields of a profile of which none is set. */
export const UNSET_PROFILE = {
  nick: null,
  avatar: null,
  gender: null,
  birthday: null,
  location: null,
  selfSignature: null,
  language: null,
  level: null,
  role: null,
  allowType: null,
  adminForbidType: null,
  messageSettings: null,
  version: null,
} satisfies Partial<Profile>;

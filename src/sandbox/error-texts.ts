// A short ErrorInfo for each code that the sandbox gives by itself, and some that faults give. The upstream's own texts
// are not documented (contract 8); these are ours.

const TEXTS: Record<number, string> = {
  30001: 'bad request parameter',
  30003: 'account not imported',
  30005: 'follow feature is not enabled',
  30006: 'internal error of the relation service',
  30007: 'relation service timed out',
  32100: 'following list of From_Account is full',
  32101: 'fan list of To_Account is full',
  32102: 'mutual list of From_Account is full',
  32103: 'mutual list of To_Account is full',
  40001: 'Err_Profile_Bad_Request',
  40002: 'Err_Profile_No_To_Account',
  40003: 'account not imported',
  40006: 'Err_Profile_Internal',
  40009: 'Err_Profile_Tag_Not_Found',
  40601: 'Err_Profile_Value_Too_Long',
  40605: 'Err_Profile_Bad_Value',
  40610: 'Err_Profile_Bad_Value_Type',
  60002: 'bad HTTP request',
  60003: 'request body is not valid JSON',
  60007: 'call frequency over the limit of this API',
  60009: 'no such service or command',
  60010: 'request needs app admin permission',
  60012: 'sdkappid is missing',
  60015: 'a UserID in the body is not a string',
  60025: 'identifier, usersig or contenttype is missing or wrong',
  60026: 'sdkappid belongs to another data centre',
  70001: 'UserSig is expired',
  70003: 'UserSig cannot be read',
  70009: 'UserSig verification failed',
  70013: 'identifier does not match the UserSig',
  70014: 'sdkappid does not match the UserSig',
  70020: 'sdkappid not found',
  70107: 'account not imported',
  70402: 'illegal parameter',
  90001: 'bad JSON or bad parameter',
  90003: 'To_Account is missing or not a list of strings',
  90011: 'too many accounts in To_Account',
};

export function errorText(code: number): string {
  return TEXTS[code] ?? `error ${code}`;
}

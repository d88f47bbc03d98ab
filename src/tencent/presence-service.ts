// Who is connected, as the upstream offers it (CONTRACT 11).
import type { Presence, PresenceStatus } from '../follow/model.ts';
import type { PresenceService } from '../follow/services.ts';
import { askInChunks, readItems } from './batch.ts';
import type { TencentClient } from './client.ts';
import { isRecord } from './envelope.ts';
import { malformedAnswer } from './upstream-errors.ts';
import type { WireStatus } from './wire.ts';

const COMMAND = 'query_online_status';
const MAX_ACCOUNTS = 500;
const STATUSES: ReadonlyMap<unknown, PresenceStatus> = new Map<WireStatus, PresenceStatus>([
  ['Online', 'ONLINE'],
  ['PushOnline', 'PUSH_ONLINE'],
  ['Offline', 'OFFLINE'],
]);

/** Creates the presence service over `query_online_status`. */
export function createPresenceService(client: Pick<TencentClient, 'call'>): PresenceService {
  return {
    readPresences: (userIds, call) =>
      askInChunks(COMMAND, userIds, MAX_ACCOUNTS, async (chunk) => {
        const answer = await client.call(COMMAND, { To_Account: chunk, IsNeedDetail: 1 }, call);
        const { QueryResult: found, ErrorList: failed = [] } = answer;
        if (!Array.isArray(found) || !Array.isArray(failed))
          throw malformedAnswer(COMMAND, 'QueryResult is not a list');
        const items = [
          ...failed.map((item) => ({ ...item, ResultCode: item?.ErrorCode })),
          ...found.map((item) => ({ ...item, ResultCode: 0 })),
        ];
        return readItems(COMMAND, { items }, { field: 'items', read: presenceOf });
      }),
  };
}

// English editions of the documents call the status `State`.
function presenceOf({ State, Status = State, Detail }: Record<string, unknown>): Presence | undefined {
  const status = STATUSES.get(Status);
  const devices: unknown[] = Array.isArray(Detail) ? Detail : [];
  const platforms = devices.flatMap((device) =>
    isRecord(device) && typeof device.Platform === 'string' && device.Status !== 'Offline' ? [device.Platform] : [],
  );
  return status && { status, platforms: [...new Set(platforms)] };
}

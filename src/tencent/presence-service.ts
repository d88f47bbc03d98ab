// Who is connected, as the upstream offers it (CONTRACT 11).
import type { Presence, PresenceStatus } from '../follow/model.ts';
import type { Batch, PresenceService } from '../follow/services.ts';
import { askInChunks } from './batch.ts';
import type { TencentClient } from './client.ts';
import { isRecord } from './envelope.ts';
import { malformedAnswer, UpstreamRefusal } from './upstream-errors.ts';
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
      askInChunks(COMMAND, userIds, MAX_ACCOUNTS, async (chunk) =>
        readPresences(await client.call(COMMAND, { To_Account: chunk, IsNeedDetail: 1 }, call)),
      ),
  };
}

function readPresences({ QueryResult: results, ErrorList: errors }: Record<string, unknown>): Batch<Presence> {
  if (!Array.isArray(results)) throw malformedAnswer(COMMAND, 'QueryResult is not a list');
  const batch: Batch<Presence> = new Map();
  for (const item of results as unknown[]) {
    if (!isRecord(item) || typeof item.To_Account !== 'string') continue;
    // English editions of the documents call it State.
    const status = STATUSES.get(item.Status ?? item.State);
    if (!status) continue;
    const devices: unknown[] = Array.isArray(item.Detail) ? item.Detail : [];
    const platforms = devices.flatMap((device) =>
      isRecord(device) && typeof device.Platform === 'string' && device.Status !== 'Offline' ? [device.Platform] : [],
    );
    batch.set(item.To_Account, { status, platforms: [...new Set(platforms)] });
  }
  for (const error of Array.isArray(errors) ? errors.filter(isRecord) : []) {
    const { To_Account: account, ErrorCode: code } = error;
    if (typeof account === 'string' && typeof code === 'number')
      batch.set(account, new UpstreamRefusal(COMMAND, code, '', { account }));
  }
  return batch;
}

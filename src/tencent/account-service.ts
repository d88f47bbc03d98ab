// Accounts as the upstream takes them in (CONTRACT 6.5).
import { GatewayError } from '../errors.ts';
import type { UserId } from '../follow/model.ts';
import type { Batch, CallOptions } from '../follow/services.ts';
import { askInChunks } from './batch.ts';
import type { TencentClient } from './client.ts';
import { isAboutRequest, malformedAnswer } from './upstream-errors.ts';

export type NewAccount = { id: UserId; nick?: string | undefined; avatar?: string | undefined };

const MAX_ACCOUNTS = 100;

export function createAccountService(client: Pick<TencentClient, 'call'>) {
  return {
    /**
     * Makes sure that each account exists, with what is given of it: done twice it is the same. Of an account that comes
     * twice the last one counts.
     */
    importAccounts(accounts: readonly NewAccount[], call: CallOptions): Promise<Batch<'done'>> {
      const byId = new Map(accounts.map((account) => [account.id, account]));
      const ask = async (ids: UserId[]): Promise<Batch<'done'>> => {
        const AccountList = ids.map((id) => {
          const { nick, avatar } = byId.get(id) ?? {};
          return { UserID: id, Nick: nick || undefined, FaceUrl: avatar || undefined };
        });
        try {
          const { FailAccounts: failed = [] } = await client.call('multiaccount_import', { AccountList }, call);
          if (!Array.isArray(failed)) throw malformedAnswer('multiaccount_import', 'FailAccounts is not a list');
          return new Map(ids.map((id) => [id, failed.includes(id) ? refused(id) : 'done']));
        } catch (error) {
          if (ids.length === 1 || !isAboutRequest(error)) throw error;
          // Which account it is about, the upstream does not say.
          return askInChunks('multiaccount_import', ids, 1, ask, 'in turn');
        }
      };
      return askInChunks('multiaccount_import', [...byId.keys()], MAX_ACCOUNTS, ask, 'in turn');
    },
  };
}

const refused = (id: UserId) => new GatewayError('BAD_USER_INPUT', `The upstream does not import "${id}".`);

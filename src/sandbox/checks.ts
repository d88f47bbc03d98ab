// The first six checks of one request, in the contract's order (9.2). What comes after needs the body.
import type { Command } from '../tencent/wire.ts';
import { Refusal } from './envelope.ts';
import type { DrawnFaults } from './faults.ts';
import type { UserSigVerifier } from './user-sig.ts';

export type Admission = { method: string; command: Command; query: URLSearchParams; faults: DrawnFaults };

type Dependencies = {
  app: { sdkAppId: number; admin: string };
  verify: UserSigVerifier;
  rates: { admits(command: Command): boolean };
  now: () => number;
};

/** Returns when the request may be processed, throws a `Refusal` with the code of the first failed check otherwise. */
export function createAdmission({ app, verify, rates, now }: Dependencies) {
  return ({ method, command, query, faults }: Admission): void => {
    if (method !== 'POST') throw new Refusal(60002, `${method} is not supported, use POST`);

    if (!query.get('sdkappid')) throw new Refusal(60012);
    const identifier = query.get('identifier');
    const userSig = query.get('usersig');
    if (!identifier || !userSig || query.get('contenttype') !== 'json') throw new Refusal(60025);

    if (faults.wrongRegion) throw new Refusal(60026);
    if (query.get('sdkappid') !== String(app.sdkAppId)) throw new Refusal(70020);

    const claim = { sdkAppId: app.sdkAppId, identifier, nowSeconds: Math.floor(now() / 1000) };
    const defect = faults.expiredUserSig ? 70001 : verify(userSig, claim);
    if (defect) throw new Refusal(defect);

    if (identifier !== app.admin) throw new Refusal(60010);

    if (!rates.admits(command)) throw new Refusal(60007);
    if (faults.error) throw new Refusal(faults.error.code, faults.error.info);
  };
}

// The address that a request comes from, also behind proxies: what those say counts, what clients say does not.
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';

/** The proxies in front of us: how many there are, or the networks that they are in. 0 is none. */
export type TrustedProxies = number | readonly string[];

/** Who asks, as a request tells. */
export type Asker = Pick<IncomingMessage, 'headers'> & {
  readonly socket: { readonly remoteAddress?: string | undefined };
};

export type ClientAddresses = {
  /** Who asks, as far as proxies can be believed; else whoever has connected to us. */
  addressOf(request: Asker): string;
  /** Whether a proxy says that it was asked over TLS. */
  isHttps(request: Asker): boolean;
};

/** Makes what tells addresses. They are personal data: nothing logs them. */
export function createClientAddresses(proxies: TrustedProxies): ClientAddresses {
  const isTrusted = typeof proxies === 'number' ? null : createNetworks(proxies);

  /** The address that the last trusted proxy was asked from, given what each of them noted of the one before. */
  function walk(peer: string, notes: readonly string[]): string {
    let address = peer;
    for (let hop = 0; hop < notes.length; hop++) {
      if (isTrusted ? !isTrusted(address) : hop === proxies) break;
      const noted = addressIn(notes[notes.length - 1 - hop] as string);
      // "unknown", a name that hides an address, or nonsense: what is known ends here.
      if (noted === null) break;
      address = noted;
    }
    return address;
  }

  const peerOf = ({ socket }: Asker) => plain(socket.remoteAddress ?? '');
  const isProxied = (request: Asker) => (isTrusted ? isTrusted(peerOf(request)) : proxies !== 0);

  return {
    addressOf(request) {
      const peer = peerOf(request);
      const { 'x-forwarded-for': notes, forwarded } = request.headers;
      if (notes === undefined && forwarded === undefined) return peer;
      const told = [
        ...(notes === undefined ? [] : [String(notes).split(',')]),
        ...(forwarded === undefined ? [] : [forwarded.split(',').map((note) => parameter(note, 'for') ?? '')]),
      ].map((list) => walk(peer, list));
      // A proxy that writes one of the two headers passes the other one on as a client has made it up.
      return told.every((address) => address === told[0]) ? (told[0] as string) : peer;
    },
    isHttps(request) {
      if (!isProxied(request)) return false;
      const { 'x-forwarded-proto': scheme = '', forwarded = '' } = request.headers;
      return /^https\b/i.test(String(scheme)) || /^https$/i.test(parameter(forwarded, 'proto') ?? '');
    },
  };
}

/** Networks such as 10.0.0.0/8, or single addresses. */
function createNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    if (isIPv4(address)) list.addSubnet(address, Number(bits ?? 32), 'ipv4');
    else list.addSubnet(address, Number(bits ?? 128), 'ipv6');
  }
  return (address) => list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** An address as proxies write it, maybe with a port. */
function addressIn(note: string): string | null {
  const text = note.trim();
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? [];
  const address = bracketed ?? (isIP(text) ? text : text.replace(/:\d{1,5}$/, ''));
  return isIP(address) ? plain(address) : null;
}

/** An IPv4 address of a socket that also takes IPv6. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** A parameter of `Forwarded: for="[2001:db8::1]:4711";proto=https`. */
function parameter(note: string, name: string): string | undefined {
  return new RegExp(`(?:^|;)\\s*${name}="?([^";,]*)"?`, 'i').exec(note)?.[1];
}

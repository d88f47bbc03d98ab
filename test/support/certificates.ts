// An authority of our own, and a certificate by it that names one host.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { directoryOf } from '../documents/asking.ts';

/** Makes them for the running test; `args` are for Redis. */
export function makeCertificates(host: string) {
  const folder = directoryOf({});
  const [caPath, caKey, certificate, key] = ['ca.pem', 'ca.key', 'node.pem', 'node.key'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  const make = (...args: string[]) =>
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...args],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
  make('-subj', '/CN=authority', '-keyout', caKey, '-out', caPath);
  const names = ['-subj', '/CN=redis', '-addext', `subjectAltName=DNS:${host}`];
  make(...names, '-CA', caPath, '-CAkey', caKey, '-keyout', key, '-out', certificate);
  const args = [
    ...['--tls-cluster', 'yes', '--tls-replication', 'yes', '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', caPath],
  ];
  return { caPath, args };
}

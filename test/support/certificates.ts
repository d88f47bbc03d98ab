// An authority of our own, and a certificate by it that names one host.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { directoryOf } from '../documents/asking.ts';

const NEW = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Makes them for the running test; `args` are for Redis. */
export function makeCertificates(host: string) {
  const folder = directoryOf({});
  const make = (...args: string[]) => execFileSync('openssl', [...NEW, ...args], { cwd: folder, stdio: 'pipe' });
  make('-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  const names = ['-subj', '/CN=redis', '-addext', `subjectAltName=DNS:${host}`];
  make(...names, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', 'node.key', '-out', 'node.pem');
  const caPath = join(folder, 'ca.pem');
  const args = [
    ...['--tls-cluster', 'yes', '--tls-replication', 'yes', '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', join(folder, 'node.pem'), '--tls-key-file', join(folder, 'node.key')],
    ...['--tls-ca-cert-file', caPath],
  ];
  return { caPath, args };
}

import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '@lakh/settings';
import { CertificateAuthority, type Identity } from '@lakh/testkit';
import { mysqlSettings, openDatabase } from '../src/index.js';
import { startDatabase, type TestDatabase } from './database.js';

let dir: string;
let database: TestDatabase;
let server: Identity;
let named: Identity;
let files: Record<'ca' | 'other' | 'cert' | 'key' | 'foreignCert' | 'foreignKey', string>;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-tls-'));
  // The server may run as another user, who reads them here.
  chmodSync(dir, 0o755);
  const [ours, others] = ['ours', 'others'].map((name) => {
    mkdirSync(join(dir, name));
    return new CertificateAuthority(join(dir, name), name);
  }) as [CertificateAuthority, CertificateAuthority];
  server = ours.issue('server', ['IP:127.0.0.1', 'DNS:db.example']);
  named = ours.issue('named', ['DNS:localhost']);
  const client = ours.issue('client', ['DNS:lakh.example']);
  const foreign = others.issue('client', ['DNS:lakh.example']);
  files = {
    ca: ours.caFile,
    other: others.caFile,
    cert: client.certFile,
    key: client.keyFile,
    foreignCert: foreign.certFile,
    foreignKey: foreign.keyFile,
  };
  const flags = [`--ssl-ca=${ours.caFile}`, `--ssl-cert=${server.certFile}`, `--ssl-key=${server.keyFile}`];
  database = await startDatabase(flags, true);
  await database.sql(`
    CREATE USER 'tls'@'%' IDENTIFIED BY 'secret' REQUIRE SSL; GRANT SELECT ON lakh.* TO 'tls'@'%';
    CREATE USER 'x509'@'%' IDENTIFIED BY 'secret' REQUIRE X509; GRANT SELECT ON lakh.* TO 'x509'@'%';
    CREATE USER 'here'@'localhost' IDENTIFIED BY 'secret'; GRANT SELECT ON lakh.* TO 'here'@'localhost'`);
}, 60_000);
afterAll(async () => {
  await database?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** What the server says of the connection that LAKH_DATABASE leads to, or why there is none. */
async function cipherOf(address: string): Promise<string> {
  const { database: members } = loadSettings(
    { settings: { database: mysqlSettings.database } },
    { LAKH_DATABASE: address },
  );
  const opened = openDatabase({ members, deadlineMs: 3_000 });
  try {
    const { rows } = await opened.run((session) => session.query("SHOW STATUS LIKE 'Ssl_cipher'"));
    return rows[0]?.[1] === '' ? 'none' : 'encrypted';
  } catch (error) {
    return (error as Error).message;
  } finally {
    opened.close();
  }
}

const address = (user: string, options: string, host = '127.0.0.1'): string =>
  `mysql://${user}:secret@${host}:${database.app.port}/lakh${options}`;

test.each([
  [
    'a user who needs none',
    () => address('lakh', '').replace('secret', encodeURIComponent(database.app.password)),
    'none',
  ],
  ['who needs TLS, without', () => address('tls', ''), /^ER_ACCESS_DENIED_ERROR|ACCESS_DENIED/],
  ['required', () => address('tls', '?ssl-mode=required'), 'encrypted'],
  ['verify-ca', () => address('tls', `?ssl-mode=verify-ca&ssl-ca=${files.ca}`), 'encrypted'],
  [
    'verify-ca with another CA',
    () => address('tls', `?ssl-mode=verify-ca&ssl-ca=${files.other}`),
    /self.signed|unable to/,
  ],
  ['verify-ca without one', () => address('tls', '?ssl-mode=verify-ca'), /self.signed|unable to/],
  ['verify-identity of an address', () => address('tls', `?ssl-ca=${files.ca}`), 'encrypted'],
  [
    'verify-identity of another name',
    () => address('tls', `?ssl-ca=${files.ca}`, 'localhost'),
    /does not match certificate/,
  ],
  [
    'verify-ca of another name',
    () => address('tls', `?ssl-mode=verify-ca&ssl-ca=${files.ca}`, 'localhost'),
    'encrypted',
  ],
  ['a user who needs a certificate, without', () => address('x509', `?ssl-ca=${files.ca}`), /ACCESS_DENIED/],
  ['with one', () => address('x509', `?ssl-ca=${files.ca}&ssl-cert=${files.cert}&ssl-key=${files.key}`), 'encrypted'],
  [
    'with one of another CA',
    () => address('x509', `?ssl-ca=${files.ca}&ssl-cert=${files.foreignCert}&ssl-key=${files.foreignKey}`),
    /./,
  ],
  [
    'a unix socket',
    () =>
      `mysql://here:secret@localhost/lakh?socket=${encodeURIComponent(join(database.server.plan.dir, 'data', 'mariadb.sock'))}`,
    'none',
  ],
])('%s', async (_, written, expected) => {
  const answer = await cipherOf(written());
  if (expected instanceof RegExp) expect(answer).toMatch(expected);
  else expect(answer).toBe(expected);
  if (expected instanceof RegExp) expect(answer).not.toMatch(/encrypted|none/);
  expect(answer).not.toContain('secret');
});

test.each([
  [
    'a key of another certificate',
    () => `?ssl-cert=${files.cert}&ssl-key=${files.foreignKey}`,
    /member 1: TLS cannot be made with .*client/,
  ],
  [
    'no certificate at all',
    () => `?ssl-ca=${join(dir, 'nothing.pem')}`,
    /member 1: ssl-ca: cannot read .*nothing\.pem \(ENOENT\)/,
  ],
])('%s stops the start', async (_, options, message) => {
  await expect(cipherOf(address('tls', options()))).rejects.toThrow(message);
});

test('an address is held to certificates of that address: one for localhost is none', async () => {
  copyFileSync(named.certFile, server.certFile);
  copyFileSync(named.keyFile, server.keyFile);
  await database.sql('FLUSH SSL');
  expect(await cipherOf(address('tls', `?ssl-ca=${files.ca}`))).toMatch(/does not match certificate.*127\.0\.0\.1/);
  expect(await cipherOf(address('tls', `?ssl-ca=${files.ca}`, 'localhost'))).toBe('encrypted');
});

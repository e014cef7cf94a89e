/** Servers that demand something of who connects: TLS both ways, users, passwords, a database of its own, a unix socket. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, type LocalServer, launch, redisPlan } from '@lakh/local';
import { CertificateAuthority, type Identity, until } from '@lakh/testkit';
import { createScript, Masters, parseRedisUrl } from '../src/index.js';
import { startCluster, startSentinel } from './topologies.js';

/** As docs/reference/configuration.md has them. */
const RIGHTS = '+@connection +@read +@write +@scripting +@pubsub +info +cluster|slots';
const SENTINEL_RIGHTS = '+@connection +sentinel|get-master-addr-by-name';

const KEY = 'lakh:key';
const SET = createScript(`redis.call('PUBLISH', 'lakh:changes', '') return redis.call('SET', KEYS[1], ARGV[1])`);

let dir: string;
let ca: CertificateAuthority;
let client: Identity;
let server: Identity;
let servers: LocalServer[];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-redis-'));
  // What runs as Redis's own user reads its certificates here.
  chmodSync(dir, 0o755);
  ca = new CertificateAuthority(dir);
  client = ca.issue('client', ['DNS:lakh']);
  server = ca.issue('server', ['IP:127.0.0.1']);
});
beforeEach(() => {
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((started) => started.stop()));
});
afterAll(() => rmSync(dir, { recursive: true }));

const tlsArgs = ({ certFile, keyFile } = server) => [
  ...['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', ca.caFile],
  ...['--tls-auth-clients', 'yes'],
];

/** What is stored over `url` under a key, read again over it; or why there is no master. */
async function storedOver(url: string, text = 'stored'): Promise<string> {
  let why: unknown;
  const log = {
    info: () => {},
    warn(fields: object) {
      why = (fields as { err: unknown }).err;
    },
  };
  const masters = new Masters({ target: parseRedisUrl(url), log });
  try {
    await until(() => masters.isWhole || why !== undefined, 'it connects, or not', 10_000);
    if (!masters.isWhole) return String(why);
    await masters.of(KEY)?.subscribe('lakh:changes', () => {});
    await masters.of(KEY)?.run(SET, [KEY], [text]);
    return String(await masters.of(KEY)?.get(KEY, 100));
  } finally {
    await masters.close();
  }
}

const proof = () => `ssl-ca=${ca.caFile}&ssl-cert=${client.certFile}&ssl-key=${client.keyFile}`;

describe('one server', () => {
  let port: number;
  let tlsPort: number;
  let socket: string;

  beforeEach(async () => {
    [port, tlsPort] = (await freePorts(2)) as [number, number];
    const home = join(dir, `single-${port}`);
    socket = join(home, 'data', 'redis.sock');
    const users = join(dir, 'users.acl');
    writeFileSync(users, `user default off\nuser lakh on >p@ss/w,rd ~lakh:* &lakh:* ${RIGHTS}\n`);
    const args = [
      ...['--tls-port', String(tlsPort), '--aclfile', users, '--unixsocket', socket, '--unixsocketperm', '777'],
      ...tlsArgs(),
    ];
    servers.push(await launch(redisPlan({ name: 'single', dir: home, port, args })));
  });

  test('user, password and database', async () => {
    expect(await storedOver(`redis://lakh:p%40ss%2Fw%2Crd@127.0.0.1:${port}/3`, 'in 3')).toBe('in 3');
    expect(await storedOver(`redis://lakh:p%40ss%2Fw%2Crd@127.0.0.1:${port}`, 'in 0')).toBe('in 0');
    expect(await storedOver(`redis://lakh:guess@127.0.0.1:${port}`)).toMatch(/WRONGPASS/);
    expect(await storedOver(`redis://127.0.0.1:${port}`)).toMatch(/NOAUTH/);
    expect(await storedOver(`redis://lakh:p%40ss%2Fw%2Crd@127.0.0.1:${port}/99`)).toMatch(/DB index is out of range/);
  });

  test('a unix socket', async () => {
    expect(await storedOver(`unix://lakh:p%40ss%2Fw%2Crd@${socket}?db=2`)).toBe('stored');
    expect(await storedOver(`unix://${socket}`)).toMatch(/NOAUTH/);
    expect(await storedOver(`unix://${socket}.none`)).toMatch(/ENOENT/);
  });

  test('TLS: both prove who they are; a certificate that is renewed counts from the next connection on', async () => {
    const url = `rediss://lakh:p%40ss%2Fw%2Crd@127.0.0.1:${tlsPort}`;
    expect(await storedOver(`${url}/1?${proof()}`)).toBe('stored');
    expect(await storedOver(`${url}?ssl-cert=${client.certFile}&ssl-key=${client.keyFile}`)).toMatch(
      /self-signed certificate/,
    );
    expect(await storedOver(`${url}?ssl-ca=${ca.caFile}`)).toMatch(/certificate required|ECONNRESET|closed/);
    const stranger = new CertificateAuthority(dir, 'stranger').issue('strange', ['DNS:lakh']);
    const strange = `ssl-ca=${ca.caFile}&ssl-cert=${stranger.certFile}&ssl-key=${stranger.keyFile}`;
    expect(await storedOver(`${url}?${strange}`)).toMatch(/unknown ca|ECONNRESET|closed/);
    const redirected = url.replace('127.0.0.1', 'localhost');
    expect(await storedOver(`${redirected}?${proof()}`)).toMatch(/does not match certificate's altnames/);
    expect(await storedOver(`${redirected}?${proof()}&ssl-mode=verify-ca`)).toBe('stored');
    expect(
      await storedOver(`${redirected}?ssl-cert=${client.certFile}&ssl-key=${client.keyFile}&ssl-mode=required`),
    ).toBe('stored');
    expect(await storedOver(`redis://lakh:p%40ss%2Fw%2Crd@127.0.0.1:${tlsPort}`)).toMatch(/closed|ECONNRESET/);

    const renewed = { certFile: join(dir, 'renewed.pem'), keyFile: join(dir, 'renewed.key') };
    for (const kind of ['certFile', 'keyFile'] as const) copyFileSync(stranger[kind], renewed[kind]);
    const masters = new Masters({
      target: parseRedisUrl(`${url}?ssl-ca=${ca.caFile}&ssl-cert=${renewed.certFile}&ssl-key=${renewed.keyFile}`),
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(masters.isWhole).toBe(false);
    for (const kind of ['certFile', 'keyFile'] as const) copyFileSync(client[kind], renewed[kind]);
    await until(() => masters.isWhole, 'it is let in');
    await masters.close();
  });
});

test('Sentinel: TLS, and a user of their own, other than that of the servers', async () => {
  const topology = await startSentinel(join(dir, 'sentinel'), {
    tlsArgs: tlsArgs(),
    password: 'secret',
    sentinelPassword: 'other',
    sentinelUser: `user lakh on >third ${SENTINEL_RIGHTS}`,
  });
  servers.push(...topology.servers);
  const url = topology.url.replace('redis+sentinel://', 'rediss+sentinel://:secret@');
  expect(await storedOver(`${url}/2?sentinel-password=other&${proof()}`)).toBe('stored');
  expect(await storedOver(`${url}?sentinel-username=lakh&sentinel-password=third&${proof()}`)).toBe('stored');
  expect(await storedOver(`${url}?${proof()}`)).toMatch(/NOAUTH/);
  expect(await storedOver(`${url}?sentinel-password=other&ssl-ca=${ca.caFile}`)).not.toBe('stored');
  expect(
    await storedOver(
      `${topology.url.replace('redis+', 'rediss+').replace('//', '//:guess@')}?sentinel-password=other&${proof()}`,
    ),
  ).toMatch(/WRONGPASS/);
});

test('Cluster: TLS and a password', async () => {
  const topology = await startCluster(join(dir, 'cluster'), { replicas: 0, tlsArgs: tlsArgs(), password: 'secret' });
  servers.push(...topology.servers);
  const url = topology.url.replace('redis+cluster://', 'rediss+cluster://:secret@');
  expect(await storedOver(`${url}?${proof()}`)).toBe('stored');
  expect(await storedOver(`${topology.url.replace('redis+', 'rediss+')}?${proof()}`)).toMatch(/NOAUTH/);
  expect(await storedOver(url)).toMatch(/self-signed certificate/);
});

import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { readSettings } from '../src/config';
import { NotPrivateError } from '../src/errors';
import { mariadbAdmin } from '../src/servers/mariadb';
import { makePrivateFolder } from '../src/stack/private-folder';
import { childrenOf, identify } from '../src/stack/processes';
import { openStack, type Stack } from '../src/stack/stack';

jest.setTimeout(180_000);

/**
 * Somebody else on the machine, with nothing but a shell: no file, socket, process or server of a stack is theirs to read or to change. Needs
 * root, who alone can be two users.
 */
const STRANGER = 60_001;
const OWNER = 60_002;
const root = join(__dirname, '..', '..', '..');
const main = join(root, 'deploy', 'local', 'dist', 'main.js');
const library = createRequire(__filename).resolve('node-zookeeper-client');

interface Ran {
  readonly status: number | null;
  readonly out: string;
}

/** Runs a command as another user, in no group of anybody's. */
function runAs(user: number, command: readonly string[], env: Record<string, string> = {}): Ran {
  const drop = ['--reuid', String(user), '--regid', String(user), '--clear-groups', '--inh-caps=-all'];
  const { status, stdout, stderr } = spawnSync('setpriv', [...drop, ...command], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env },
    cwd: '/',
    timeout: 120_000,
  });
  return { status, out: `${stdout}${stderr}` };
}

const sh = (script: string, env?: Record<string, string>) => runAs(STRANGER, ['sh', '-c', script], env);

/** Everything in a folder, as root sees it. */
function filesIn(path: string): string[] {
  const found = lstatSync(path);
  if (!found.isDirectory()) return [path];
  return [path, ...readdirSync(path).flatMap((name) => filesIn(join(path, name)))];
}

function secretsOf(dir: string): string[] {
  const passwords = Object.values(JSON.parse(readFileSync(join(dir, 'secrets', 'accounts.json'), 'utf8')) as object);
  return [...passwords.map(String), mariadbAdmin(join(dir, 'mysql-1')).password];
}

interface Port {
  readonly name: string;
  readonly role: string;
  readonly port: number;
  readonly extraPorts: readonly number[];
  readonly process?: { readonly pid: number };
}

const processesOf = (dir: string) =>
  portsOf(dir).flatMap(({ process }) => (process === undefined ? [] : [{ pid: process.pid }]));

const portsOf = (dir: string): readonly Port[] =>
  (JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8')) as { processes: readonly Port[] }).processes;

/** Tells the nodes of an ensemble that a stranger with some credentials can read or change. */
const ZOOKEEPER_ATTACK = `
const zookeeper = require(process.env.LIBRARY);
const client = zookeeper.createClient(process.env.SERVERS, { retries: 0 });
client.addAuthInfo('digest', Buffer.from('lakh:guessed'));
const say = (what) => (error) => console.log(what, error ? error.name : 'DONE');
client.once('connected', () => {
  const paths = ['/', '/lakh', '/lakh/ranges', '/lakh/ranges/links/next', '/lakh/servers', '/zookeeper', '/zookeeper/quota'];
  for (const path of paths) {
    client.getChildren(path, say('list ' + path));
    client.getData(path, say('read ' + path));
    client.setData(path, Buffer.from('3521614606208 0'), -1, say('write ' + path));
    client.setACL(path, zookeeper.ACL.OPEN_ACL_UNSAFE, -1, say('rights ' + path));
    client.create(path.replace(/\\/$/, '') + '/mine', Buffer.alloc(0), say('create in ' + path));
    client.remove(path === '/' ? '/lakh' : path, -1, say('remove ' + path));
  }
  client.exists('/', () => { console.log('end'); client.close(); });
});
client.connect();
`;

/** What a stranger gets of a stack that runs in `dir`; empty if nothing. */
async function attack(dir: string, running: readonly { readonly pid: number }[]): Promise<string[]> {
  const got: string[] = [];
  const expectRefused = (what: string, { status, out }: Ran, refusal: RegExp): void => {
    if (status === 0 || !refusal.test(out)) got.push(`${what}: ${status} ${out.slice(0, 300)}`);
  };
  // Files: by their names, for these could be told by somebody.
  for (const path of filesIn(dir)) {
    expectRefused(
      path,
      sh('test -r "$F" || test -w "$F" || test -x "$F" || { echo closed; exit 1; }', { F: path }),
      /closed/,
    );
  }
  // Processes.
  const secrets = secretsOf(dir);
  for (const { pid } of running) {
    const group = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    for (const secret of secrets) if (group.includes(secret)) got.push(`a password in the command line of ${pid}`);
    for (const part of ['environ', 'maps', 'mem', 'fd', 'cwd/']) {
      const place = `/proc/${pid}/${part}`;
      expectRefused(place, sh('test -d "$F" && ls "$F/" || cat "$F"', { F: place }), /Permission denied/);
    }
    expectRefused(`signal to ${pid}`, sh(`kill -0 ${pid}`), /not permitted|No such process/i);
  }
  for (const { name, role, port } of portsOf(dir)) {
    if (role === 'mysql') {
      for (const user of ['root', 'lakh', 'lakh_migrate', 'mysql', 'stranger']) {
        for (const login of [[], ['--password=guessed']]) {
          const command = ['mariadb', '--no-defaults', '-h127.0.0.1', `-P${port}`, `-u${user}`, ...login, '-eSELECT 1'];
          expectRefused(`${name} as ${user}`, runAs(STRANGER, command), /denied|not allowed/);
        }
      }
      const socket = `--socket=${mariadbAdmin(join(dir, name)).socketPath}`;
      expectRefused(
        `${name}'s socket`,
        runAs(STRANGER, ['mariadb', '--no-defaults', socket, '-uroot', '-eSELECT 1']),
        /ERROR 2002/,
      );
    }
    if (role === 'redis') {
      for (const command of [
        'GET x',
        'SET x y',
        'CONFIG GET requirepass',
        'FLUSHALL',
        'KEYS *',
        'AUTH guessed',
        'AUTH default ',
        'SHUTDOWN',
      ]) {
        const { out } = runAs(STRANGER, ['bash', '-c', redisScript(port, command)]);
        if (!/^-(NOAUTH|WRONGPASS)/.test(out)) got.push(`${name}: ${command}: ${out}`);
      }
    }
  }
  const servers = portsOf(dir).filter(({ role }) => role === 'zookeeper');
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`).join(',');
  // Who connects is nobody in particular to a server, so the attacker's library may be where only root can read it.
  const env = { LIBRARY: library, SERVERS: addresses };
  const { stdout } = spawnSync(process.execPath, ['-e', ZOOKEEPER_ATTACK], { encoding: 'utf8', env, timeout: 30_000 });
  const lines = stdout.trim().split('\n');
  if (lines.at(-1) !== 'end') got.push(`ZooKeeper did not answer: ${stdout}`);
  got.push(...lines.slice(0, -1).filter((line) => !/(NO_AUTH|NOT_EMPTY|BAD_ARGUMENTS|NO_NODE)$/.test(line)));
  for (const { name, extraPorts } of servers) {
    if ((await joinEnsemble(extraPorts[0] as number)) === 17) got.push(`${name} takes in a member without a password`);
  }
  return got;
}

/**
 * Asks for a member's place in an ensemble, at the port where the leader expects the others: whoever gets one is sent every node, and has what
 * he writes believed. Resolves with the type of the answer, 17 being the leader's introduction; undefined where there is none.
 */
function joinEnsemble(port: number): Promise<number | undefined> {
  const hello = Buffer.alloc(40);
  // FOLLOWERINFO with 20 bytes of who it is (the ninth server, protocol 0x10000), and no credentials.
  hello.writeInt32BE(11, 0);
  hello.writeInt32BE(20, 12);
  hello.writeBigInt64BE(9n, 16);
  hello.writeInt32BE(0x10000, 24);
  hello.writeInt32BE(-1, 36);
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }).on('error', () => {});
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('data', (data) => {
      resolve(data.readInt32BE(0));
      socket.destroy();
    });
    socket.once('close', () => resolve(undefined));
    socket.write(hello);
  });
}

/** One command in Redis's inline form; prints the first line of the answer. */
const redisScript = (port: number, command: string): string =>
  `exec 3<>/dev/tcp/127.0.0.1/${port}; printf "%s\\r\\n" "${command}" >&3; IFS= read -r -t 5 answer <&3; printf %s "$answer"`;

/** While a stack starts: asks its MariaDB for a login without a password, its Redis for an answer, and looks for passwords in command lines. */
async function watchStart(
  dir: string,
  isOver: () => boolean,
): Promise<{ readonly asked: number; readonly got: string[] }> {
  const got = new Set<string>();
  let asked = 0;
  for (; !isOver(); asked++) {
    await sleep(2);
    if (!existsSync(join(dir, 'state.json')) || !existsSync(join(dir, 'secrets', 'accounts.json'))) continue;
    const mysql = portsOf(dir).find(({ role }) => role === 'mysql') as Port;
    for (const user of ['root', 'lakh']) {
      const login = createConnection({ host: '127.0.0.1', port: mysql.port, user, connectTimeout: 1_000 });
      await login.then(
        (connection) => {
          got.add(`${user} without a password`);
          connection.destroy();
        },
        () => {},
      );
    }
    const passwords = Object.values(JSON.parse(readFileSync(join(dir, 'secrets', 'accounts.json'), 'utf8')) as object);
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const line = commandLine(pid);
      if (passwords.some((password) => line.includes(String(password)))) got.add(`a password in ${line}`);
    }
  }
  return { asked, got: [...got] };
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Starts a stack as `user`, as a person does; resolves once it is up, with what a stranger got meanwhile. */
async function up(dir: string, user: number | undefined): Promise<string[]> {
  const command = [process.execPath, main, 'up', '--detach', '--shorten', '1', '--redirect', '1', '--dir', dir];
  const drop = ['setpriv', '--reuid', String(user), '--regid', String(user), '--clear-groups'];
  const [file = '', ...args] = user === undefined ? command : [...drop, ...command];
  const child = spawn(file, args, { cwd: '/', env: { PATH: process.env.PATH ?? '', LAKH_LOG_LEVEL: 'warn' } });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  let code: number | undefined;
  child.once('close', (status) => {
    code = status ?? -1;
  });
  const { asked, got } = await watchStart(dir, () => code !== undefined);
  expect({ code, told: code === 0 ? '' : told }).toEqual({ code: 0, told: '' });
  expect(asked).toBeGreaterThan(10);
  return got;
}

const isRoot = process.getuid?.() === 0;
/** Where Node.js and the repository are root's alone nobody else can start a stack. */
const othersCanStart =
  isRoot && runAs(OWNER, ['sh', '-c', 'test -x "$0" && test -r "$1"', process.execPath, main]).status === 0;

(isRoot ? describe : describe.skip)('on a shared machine', () => {
  let above: string;
  let dir: string;
  let stack: Stack;

  function place(user: number | undefined): void {
    above = realpathSync(mkdtempSync(join(tmpdir(), 'lakh-shared-')));
    dir = join(above, 'my stack');
    mkdirSync(dir, { mode: 0o755 });
    if (user !== undefined) for (const path of [above, dir]) chownSync(path, user, user);
    stack = openStack({ dir, root, settings: readSettings({ PATH: process.env.PATH, LAKH_LOG_LEVEL: 'warn' }) });
  }
  afterEach(async () => {
    const { uid } = statSync(dir);
    if (uid === process.getuid?.()) await stack.down({ wipe: true });
    else runAs(uid, [process.execPath, main, 'down', '--wipe', '--dir', dir]);
    rmSync(above, { recursive: true, force: true });
  });

  test('a stack that root started, in a folder with a blank, gives nothing to anybody else', async () => {
    place(undefined);
    // Only what the stack itself protects: the way to its folder is open.
    chmodSync(above, 0o755);
    expect(await up(dir, undefined)).toEqual([]);
    const running = stack.running();
    expect(await attack(dir, running)).toEqual([]);

    const statuses = running.map(({ name, pid }) => [name, uidsOf(pid)] as const);
    // nginx's master holds the ports and opens the logs; it reads nothing that comes from a client.
    expect(statuses.filter(([name, uids]) => uids.includes(0) !== (name === 'gateway'))).toEqual([]);
    const master = running.find(({ name }) => name === 'gateway')?.pid as number;
    expect(childrenOf(master).flatMap(uidsOf)).not.toContain(0);

    // Strangers may use it: create and follow; deletes need the token.
    const { url, token } = stack.addresses();
    const made = await fetch(`${url}/api/v1/urls`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"long_url":"https://example.com/"}',
    });
    expect(made.status).toBe(201);
    const { code } = (await made.json()) as { code: string };
    for (const { role, port } of portsOf(dir).filter(({ role }) => role === 'gateway' || role === 'shorten')) {
      const refused = await fetch(`http://127.0.0.1:${port}/api/v1/urls/${code}`, { method: 'DELETE' });
      expect([role, refused.status]).toEqual([role, 401]);
    }
    expect((await fetch(`${url}/${code}`, { redirect: 'manual' })).status).toBe(301);
    const lines = spawnSync(process.execPath, [main, 'env', '--dir', dir], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n');
    expect(lines).toContain(`LAKH_TOKEN=${token}`);
    expect(lines.filter((line) => !/^LAKH_[A-Z_]+=./.test(line))).toEqual([]);
    const headers = { Authorization: `Bearer ${token}` };
    expect((await fetch(`${url}/api/v1/urls/${code}`, { method: 'DELETE', headers })).status).toBe(204);
  });

  (othersCanStart ? test : test.skip)('nor does one that another user started, who is not root', async () => {
    place(OWNER);
    chmodSync(above, 0o755);
    expect(await up(dir, OWNER)).toEqual([]);
    const running = processesOf(dir);
    expect(await attack(dir, running)).toEqual([]);
    expect(running.flatMap(({ pid }) => uidsOf(pid)).filter((uid) => uid !== OWNER)).toEqual([]);
  });
});

describe('the folder of a stack', () => {
  let dir: string;
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'lakh-folder-')));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('that is empty becomes private; one that holds other things is left as it is, and refused', () => {
    chmodSync(dir, 0o755);
    makePrivateFolder(dir);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    writeFileSync(join(dir, 'thesis.tex'), '');
    chmodSync(dir, 0o755);
    expect(() => makePrivateFolder(dir)).toThrow(NotPrivateError);
    expect(statSync(dir).mode & 0o777).toBe(0o755);
  });

  test('is not one that anybody may replace', () => {
    chmodSync(dir, 0o777);
    expect(() => makePrivateFolder(join(dir, 'stack'))).toThrow('anybody may replace');
  });

  (isRoot ? test : test.skip)('is not one of somebody else, who could look into it', () => {
    chownSync(dir, STRANGER, STRANGER);
    expect(() => makePrivateFolder(dir)).toThrow('belongs to another user');
  });

  (isRoot ? test : test.skip)('of somebody else tells no verb what to signal, to run or to write', async () => {
    const victim = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const process = identify(victim.pid as number);
    const record = { name: 'redis-1', role: 'redis', port: 1, extraPorts: [], isDraining: false, process };
    writeFileSync(join(dir, 'state.json'), JSON.stringify({ version: 1, processes: [record] }));
    const target = join(dir, 'made-by-root');
    symlinkSync(target, join(dir, '.verb.lock'));
    chownSync(dir, STRANGER, STRANGER);
    const stack = openStack({ dir, root });
    for (const verb of [
      async () => stack.kill('redis-1'),
      async () => stack.start('redis-1'),
      () => stack.restart('redis-1'),
      () => stack.scale({ shorten: 2 }),
      () => stack.down({ wipe: true }),
      () => stack.status(),
      async () => stack.environment(),
    ]) {
      await expect(verb()).rejects.toThrow('belongs to another user');
    }
    expect(existsSync(target)).toBe(false);
    expect([victim.exitCode, victim.signalCode]).toEqual([null, null]);
    victim.kill('SIGKILL');
  });
});

/** Real, effective, saved and of the file system. */
function uidsOf(pid: number): number[] {
  const [, uids = ''] = /^Uid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return uids.split(/\s+/).map(Number);
}

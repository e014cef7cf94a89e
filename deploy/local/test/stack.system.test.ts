import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '../src/config';
import { openStack } from '../src/stack/stack';
import type { ProcessStatus, StackStatus } from '../src/stack/status';

jest.setTimeout(240_000);

const root = join(__dirname, '..', '..', '..');
const main = join(root, 'deploy', 'local', 'dist', 'main.js');
const env = { PATH: process.env.PATH ?? '', LAKH_LOG_LEVEL: 'warn' };

interface Run {
  readonly child: ChildProcess;
  stdout: string;
  stderr: string;
  /** The exit status, or the signal. */
  readonly end: Promise<number | NodeJS.Signals | null>;
}

function start(args: readonly string[], more: Record<string, string> = {}, command = process.execPath): Run {
  const child = spawn(command, args, { cwd: root, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
  const run: Run = {
    child,
    stdout: '',
    stderr: '',
    end: once(child, 'close').then(([code, signal]) => code ?? signal),
  };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    run.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    run.stderr += text;
  });
  return run;
}

/** Runs one verb to its end. */
async function stack(
  dir: string,
  ...args: readonly string[]
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const run = start([main, ...args, '--dir', dir]);
  const code = await run.end;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

const byName = ({ processes }: StackStatus) => new Map(processes.map((each) => [each.name, each]));

/** What `status` tells, without a process for each look. */
const status = async (dir: string): Promise<Map<string, ProcessStatus>> =>
  byName(await openStack({ dir, root, settings: readSettings(env) }).status());

/** Ids of all processes at work in a folder, as the kernel tells them. */
function processesIn(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(dir);
      } catch {
        return false;
      }
    });
}

/** On a connection of its own: a reload of nginx closes idle ones, which a client that reuses them has to expect. */
function ask(
  method: string,
  address: string,
  body?: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ status: number; location: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...more };
    const outgoing = request(address, { method, headers, agent: false, timeout: 30_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body: text });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer: ${method} ${address}`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function create(url: string, target: string): Promise<{ status: number; code: string }> {
  const { status, body } = await ask('POST', `${url}/api/v1/urls`, JSON.stringify({ long_url: target }));
  return { status, code: String((JSON.parse(body) as { code?: unknown }).code) };
}

async function follow(url: string, code: string): Promise<{ status: number; location: string | undefined }> {
  const { status, location } = await ask('GET', `${url}/${code}`);
  return { status, location };
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within a minute: ${what}`);
    await sleep(50);
  }
}

describe('the whole system on one machine', () => {
  let dir: string;
  beforeAll(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'lakh stack ')));
  });
  afterAll(async () => {
    await openStack({ dir, root, settings: readSettings({}) }).down({ wipe: true });
    expect(processesIn(dir)).toEqual([]);
    rmSync(dir, { recursive: true, force: true });
  });

  test('up --detach, kill, start, scale, down, each as it is told', async () => {
    const up = await stack(dir, 'up', '--detach', '--shorten', '2', '--redirect', '1');
    expect(up).toMatchObject({ code: 0, stdout: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\n$/) });
    const url = up.stdout.trim();

    const told = await stack(dir, 'status', '--json');
    expect(told.code).toBe(0);
    const first = byName(JSON.parse(told.stdout) as StackStatus);
    expect([...first.keys()]).toEqual([
      'gateway',
      'shorten-1',
      'shorten-2',
      'redirect-1',
      'zookeeper-1',
      'zookeeper-2',
      'zookeeper-3',
      'mysql-1',
      'redis-1',
    ]);
    for (const each of first.values()) {
      expect(each).toEqual({
        name: each.name,
        role: each.name.replace(/-\d+$/, ''),
        pid: expect.any(Number),
        url: expect.stringMatching(/^[a-z]+:\/\/127\.0\.0\.1:\d+$/),
        adminUrl: /gateway|shorten|redirect/.test(each.name) ? expect.stringMatching(/^http:/) : null,
        state: 'ready',
      });
    }

    const lakhs = [...first.values()].filter(({ role }) => /gateway|shorten|redirect/.test(role));
    for (const { name, url: own } of lakhs) {
      const rebound = await ask('GET', `${own}/Q0u`, undefined, { Host: 'evil.example' });
      expect([name, rebound.status]).toEqual([name, 421]);
      const foreign = { Origin: 'http://evil.example', 'Sec-Fetch-Site': 'cross-site' };
      const asked = await ask('POST', `${own}/api/v1/urls`, '{"long_url":"https://example.com/"}', foreign);
      expect([name, asked.status]).toEqual([name, 403]);
    }
    expect(first.get('gateway')?.url).toBe(url);

    const target = 'https://example.com/a?b=c';
    const link = await create(url, target);
    expect(link.status).toBe(201);
    const { code } = link;
    expect(await follow(url, code)).toEqual({ status: 301, location: target });

    const lines = Array.from({ length: 50 }, (_, i) => `${JSON.stringify({ long_url: `${target}${i}` })}\n`).join('');
    const ndjson = { 'Content-Type': 'application/x-ndjson' };
    const batch = (await ask('POST', `${url}/api/v1/urls:batch`, lines, ndjson)).body.split('\n');
    expect(JSON.parse(batch[50] ?? '')).toEqual({ done: true, lines: 50, succeeded: 50, failed: 0 });
    expect((await follow(url, JSON.parse(batch[49] ?? '').link.code)).location).toBe(`${target}49`);

    // A fault of one kind of server leaves the other kind alone, and nothing is restarted by itself.
    expect((await stack(dir, 'kill', 'redirect-1')).code).toBe(0);
    expect((await status(dir)).get('redirect-1')).toMatchObject({ state: 'exited', pid: null });
    expect((await follow(url, code)).status).toBe(503);
    expect((await create(url, target)).status).toBe(201);
    expect((await stack(dir, 'start', 'redirect-1')).code).toBe(0);
    expect((await follow(url, code)).status).toBe(301);

    // Killed by its id, as somebody else would: nginx's workers, which outlive it, do not keep the port.
    process.kill(first.get('gateway')?.pid as number, 'SIGKILL');
    await until(async () => (await status(dir)).get('gateway')?.state === 'exited', 'the gateway ends');
    expect((await stack(dir, 'start', 'gateway')).code).toBe(0);
    expect((await follow(url, code)).status).toBe(301);

    // A frozen server runs and does not answer.
    expect((await stack(dir, 'kill', 'redis-1', '--signal', 'SIGSTOP')).code).toBe(0);
    expect((await status(dir)).get('redis-1')).toMatchObject({ state: 'starting', pid: first.get('redis-1')?.pid });
    expect((await stack(dir, 'kill', 'redis-1', '--signal', 'SIGCONT')).code).toBe(0);
    await until(async () => (await status(dir)).get('redis-1')?.state === 'ready', 'Redis answers again');

    // No request is lost while servers come and go.
    let isScaling = true;
    const answers: number[] = [];
    const clients = Array.from({ length: 4 }, async () => {
      while (isScaling) answers.push((await create(url, target)).status);
    });
    expect((await stack(dir, 'scale', 'shorten=3', 'redirect=2')).code).toBe(0);
    expect([...(await status(dir)).keys()].filter((name) => /shorten|redirect/.test(name)).sort()).toEqual([
      'redirect-1',
      'redirect-2',
      'shorten-1',
      'shorten-2',
      'shorten-3',
    ]);
    expect((await stack(dir, 'scale', 'shorten=1')).code).toBe(0);
    isScaling = false;
    await Promise.all(clients);
    expect(answers.length).toBeGreaterThan(10);
    expect(answers.filter((each) => each !== 201)).toEqual([]);
    expect([...(await status(dir)).keys()].filter((name) => name.startsWith('shorten'))).toEqual(['shorten-1']);

    // What cannot be done is refused with a reason.
    expect(await stack(dir, 'up')).toMatchObject({ code: 1, stderr: expect.stringContaining('already run') });
    expect(await stack(dir, 'start', 'redis-1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('runs already'),
    });
    expect(await stack(dir, 'kill', 'nobody')).toMatchObject({ code: 2, stderr: expect.stringContaining('nobody') });
    expect(await stack(dir, 'scale', 'shorten=many')).toMatchObject({ code: 2 });
    expect((await stack(dir, 'logs', 'zookeeper-1', '--lines', '2')).stdout.trimEnd().split('\n')).toHaveLength(2);

    // One node of an ensemble of which none runs is started, and waits for the others.
    const nodes = ['zookeeper-1', 'zookeeper-2', 'zookeeper-3'];
    for (const node of nodes) expect((await stack(dir, 'kill', node)).code).toBe(0);
    const alone = await stack(dir, 'start', 'zookeeper-1');
    expect(alone.stderr).toContain('zookeeper-1 is started, and waits for a quorum: 1 of 3 nodes run');
    expect(alone.code).toBe(0);
    expect((await status(dir)).get('zookeeper-1')?.state).toBe('starting');

    // An ensemble that has lost everything: servers refuse to lease, and a new one says why within seconds.
    expect((await stack(dir, 'kill', 'zookeeper-1')).code).toBe(0);
    const dataOf = (node: string, name = 'data') => join(dir, node, name);
    for (const node of nodes) renameSync(dataOf(node), dataOf(node, 'kept'));
    expect((await stack(dir, 'start', ...nodes)).code).toBe(0);
    const startedMs = performance.now();
    const refused = await stack(dir, 'scale', 'shorten=2');
    expect(refused.stderr).toMatch(/shorten-\d cannot serve: .*mark_missing: .*See docs\/runbooks\/mark_missing\.md/);
    expect(refused.code).toBe(1);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect([...(await status(dir)).keys()].filter((name) => name.startsWith('shorten'))).toEqual(['shorten-1']);
    for (const node of nodes) {
      expect((await stack(dir, 'kill', node)).code).toBe(0);
      rmSync(dataOf(node), { recursive: true });
      renameSync(dataOf(node, 'kept'), dataOf(node));
    }

    expect(await stack(dir, 'down')).toMatchObject({ code: 0, stdout: '' });
    expect(processesIn(dir)).toEqual([]);
    const afterwards = byName(JSON.parse((await stack(dir, 'status', '--json')).stdout) as StackStatus);
    expect([...afterwards.values()].every(({ state, pid }) => state === 'exited' && pid === null)).toBe(true);
    expect((await stack(dir, 'down')).code).toBe(0);

    // In the foreground on the same data, until Ctrl-C.
    const again = start([main, 'up', '--dir', dir], { LAKH_LISTEN: '127.0.0.1:1' });
    await until(() => again.stdout.includes('\n') || again.child.exitCode !== null, 'the stack is up again');
    expect(again.stdout).toBe(`${url}\n`);
    expect(again.stderr).toContain('LAKH_LISTEN is ignored');
    expect(again.stderr).toMatch(/mysql-1 is ready \(\d+\.\d s\)/);
    expect(await follow(url, code)).toEqual({ status: 301, location: target });
    again.child.kill('SIGINT');
    expect(await again.end).toBe(0);
    expect(processesIn(dir)).toEqual([]);
  });

  test('a foreground up ends when its launcher dies without a word', async () => {
    // npm runs scripts through a shell; `; :` keeps it from becoming node.
    const script = `"${process.execPath}" "${main}" up --dir "${dir}" & wait; :`;
    const launcher = start(['-c', script], { npm_lifecycle_event: 'stack' }, '/bin/sh');
    await until(() => launcher.stdout.includes('\n') || launcher.child.exitCode !== null, 'the stack is up');
    expect(processesIn(dir)).not.toEqual([]);
    launcher.child.kill('SIGKILL');
    await launcher.end;
    expect(processesIn(dir)).toEqual([]);
    expect(launcher.stderr).toContain('everything has ended');
  });

  test('a start that fails leaves nothing behind and shows why', async () => {
    const up = start([main, 'up', '--detach', '--dir', dir], { LAKH_CODEC: 'rot13' });
    expect(await up.end).toBe(1);
    expect(up.stdout).toBe('');
    expect(up.stderr).toMatch(/shorten-1 ended while starting; its log ends with:(.|\n)*LAKH_CODEC/);
    expect(processesIn(dir)).toEqual([]);
  });

  test('down --wipe leaves nothing, and status of nothing is nothing', async () => {
    expect((await stack(dir, 'down', '--wipe')).code).toBe(0);
    expect(existsSync(dir)).toBe(false);
    expect(await stack(dir, 'status', '--json')).toMatchObject({ code: 0, stdout: '{"processes":[]}\n' });
    expect((await stack(dir, 'kill', 'gateway')).code).toBe(1);
    expect(existsSync(dir)).toBe(false);
  });
});

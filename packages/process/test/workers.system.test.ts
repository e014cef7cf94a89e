import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readProcess } from '../src/launcher.js';

const PROGRAM = join(__dirname, 'support', 'program.mjs');

/** Resolves once `condition` holds; the test's own limit bounds it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function get(url: string, agent?: Agent, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ...(agent && { agent }), headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on('error', reject).end();
  });
}

/** The server of support/program.mjs. */
class Server {
  readonly child: ChildProcess;
  readonly end: Promise<number | string>;
  log = '';

  constructor(env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [PROGRAM], {
      env: {
        ...{ PATH: process.env.PATH, LAKH_LISTEN: '127.0.0.1:0', LAKH_ADMIN_LISTEN: '127.0.0.1:0' },
        ...{ LAKH_WORKERS: '2', LAKH_DRAIN_TIMEOUT_MS: '4000', TEST_TROUBLE: '', ...env },
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    this.end = once(this.child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  }

  /** Where it serves, or has its admin listener. */
  url(listener: 'public' | 'admin'): string {
    return new RegExp(`"address":"([^"]+)","msg":"${listener} listener is open"`).exec(this.log)?.[1] ?? '';
  }

  get workers(): number[] {
    return [...this.log.matchAll(/"worker":\d+,"pid":(\d+),"msg":"worker started"/g)].map(([, pid]) => Number(pid));
  }

  get living(): number[] {
    return this.workers.filter((pid) => readProcess(pid) !== undefined);
  }

  async ready(): Promise<void> {
    await until(() => this.url('admin') !== '');
    await until(async () => JSON.parse((await get(`${this.url('admin')}/healthz/ready`)).body).status === 'ready');
  }

  async metric(name: string): Promise<number> {
    const { body } = await get(`${this.url('admin')}/metrics`);
    const line = body.split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length));
  }
}

describe('a server of several workers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lakh-workers-'));
  const trouble = join(folder, 'trouble');
  const started: Server[] = [];
  const start = (env: Readonly<Record<string, string>> = {}): Server => {
    const server = new Server({ TEST_TROUBLE: trouble, ...env });
    started.push(server);
    return server;
  };
  let server: Server;

  beforeAll(async () => {
    server = start();
    await server.ready();
  }, 30_000);

  afterAll(() => {
    for (const { child, living } of started) {
      child.kill('SIGKILL');
      for (const pid of living) process.kill(pid, 'SIGKILL');
    }
    rmSync(folder, { recursive: true });
  });

  test('shares connections and limits out, and speaks with one voice', async () => {
    const before = await server.metric('lakh_http_requests_total{route="api",status="200"}');
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => get(`${server.url('public')}/api/who`, new Agent({ keepAlive: false }))),
    );
    const seen = answers.map(({ body }) => JSON.parse(body) as { pid: number; maxConnections: number });
    expect(new Set(seen.map(({ pid }) => pid)).size).toBe(2);
    expect(seen[0]?.maxConnections).toBe(16_384 / 2);
    const name = 'lakh_http_requests_total{route="api",status="200"}';
    expect((await server.metric(name)) - (Number.isNaN(before) ? 0 : before)).toBe(8);
    expect(await server.metric('lakh_workers{state="serving"}')).toBe(2);
    expect(await server.metric('lakh_process_heap_bytes{worker="2"}')).toBeGreaterThan(0);
    expect(await server.metric('lakh_ready')).toBe(1);
  });

  test('renews them on SIGUSR2 and loses no request; what they had counted stays', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const url = `${server.url('public')}/api/who`;
    const name = 'lakh_http_requests_total{route="api",status="200"}';
    const before = await server.metric(name);
    const old = server.living;
    const answers: Answer[] = [];
    let isOver = false;
    const clients = Array.from({ length: 4 }, async () => {
      while (!isOver) answers.push(await get(url, agent, { 'x-wait': '5' }));
    });
    server.child.kill('SIGUSR2');
    await until(() => server.log.includes('the workers are renewed'));
    isOver = true;
    await Promise.all(clients);
    agent.destroy();
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(server.living.filter((pid) => old.includes(pid))).toEqual([]);
    expect(server.living).toHaveLength(2);
    expect(await server.metric(name)).toBe(before + answers.length);
  }, 30_000);

  test('keeps the old ones when a new one does not start', async () => {
    writeFileSync(trouble, '');
    const old = server.living;
    server.child.kill('SIGUSR2');
    await until(() => server.log.split('"msg":"renewing the workers"').length === 3);
    server.child.kill('SIGUSR2');
    // Once more, for whatever had changed since the first began.
    await until(() => server.log.split('a new worker did not start').length === 3);
    expect(server.log).toContain('renewing the workers once more, after this time');
    rmSync(trouble);
    expect(server.log).toContain('there is trouble');
    expect(server.living).toEqual(old);
  }, 30_000);

  test('starts one that was killed again, and names it; connections that it had not taken go to others', async () => {
    const [victim = 0] = server.living;
    const crashes = await server.metric('lakh_worker_crashes_total{worker="1"}');
    process.kill(victim, 'SIGSTOP');
    const answers = [1, 2, 3].map(() => get(`${server.url('public')}/api/who`, new Agent({ keepAlive: false })));
    await until(async () => (await server.metric('lakh_worker_connections_waiting')) > 0);
    process.kill(victim, 'SIGKILL');
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
    await until(() => server.living.length === 2 && !server.living.includes(victim));
    await server.ready();
    expect(server.log).toMatch(new RegExp(`"worker":1,"pid":${victim},"code":null,"signal":"SIGKILL"`));
    expect(await server.metric('lakh_worker_crashes_total{worker="1"}')).toBe(crashes + 1);
  }, 30_000);

  test('counts a client’s requests as one server does', async () => {
    const limited = start({ LAKH_CHANGES_PER_MIN: '50' });
    await limited.ready();
    const url = `${limited.url('public')}/api/who`;
    const statuses: number[] = [];
    for (let i = 0; i < 80; i += 1) statuses.push((await get(url, new Agent({ keepAlive: false }))).status);
    // A fiftieth of the allowance, a worker, is on its way.
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(50);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(54);
    // A stop in the middle of a renewal is neither its end nor its failure.
    limited.child.kill('SIGUSR2');
    await until(() => limited.workers.length === 3);
    limited.child.kill('SIGTERM');
    expect(await limited.end).toBe(0);
    expect(limited.log).toContain('all workers have ended');
    expect(limited.log).not.toMatch(/a new worker did not start|the workers are renewed/);
  }, 30_000);

  test('finishes what it was asked when the supervisor is killed', async () => {
    const answer = get(`${server.url('public')}/api/who`, undefined, { 'x-wait': '1000' });
    await until(async () => (await server.metric('lakh_workers{state="serving"}')) === 2);
    server.child.kill('SIGKILL');
    expect((await answer).status).toBe(200);
    await until(() => server.living.length === 0);
  }, 30_000);

  test('ends as one process does when a worker cannot start', async () => {
    writeFileSync(trouble, '');
    const failed = start();
    expect(await failed.end).toBe(1);
    expect(failed.log).toContain('there is trouble');
    expect(failed.url('public')).toBe('');
    await until(() => failed.living.length === 0);
    rmSync(trouble);
  }, 30_000);

  test('says what cannot be', async () => {
    const refused = start({ LAKH_WORKERS: '3', LAKH_RUN_AS: '60000:60000' });
    expect(await refused.end).toBe(2);
    expect(refused.log).toContain('LAKH_WORKERS=3 and LAKH_RUN_AS=60000:60000 do not go together');
    const none = start({ LAKH_WORKERS: '0' });
    expect(await none.end).toBe(2);
    expect(none.log).toContain('LAKH_WORKERS: expected auto or an integer from 1 to 256');
  }, 30_000);
});

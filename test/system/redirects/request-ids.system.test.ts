import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '@lakh/local';

const MAIN = join(__dirname, '..', '..', '..', 'services', 'redirect', 'dist', 'main.js');
const FORWARDED = { 'X-Request-Id': 'from-the-gateway-1', 'X-Forwarded-For': '203.0.113.7' };

type LogLine = Readonly<Record<string, unknown>>;

/** A redirect server whose database is not there: each look-up fails, and is logged. */
async function start(env: Record<string, string>) {
  const [closedPort] = await freePorts(1);
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH ?? '',
      LAKH_WORKERS: '1',
      LAKH_LISTEN: '127.0.0.1:0',
      LAKH_ADMIN_LISTEN: '127.0.0.1:0',
      LAKH_DATABASE: `mysql://lakh:secret@127.0.0.1:${closedPort}/lakh`,
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: LogLine[] = [];
  const waiting: (() => void)[] = [];
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (text) => {
    lines.push(JSON.parse(text));
    for (const check of waiting) check();
  });
  const line = (msg: string): Promise<LogLine> =>
    new Promise((resolve) => {
      const check = () => {
        const found = lines.find((candidate) => candidate.msg === msg);
        if (found) resolve(found);
      };
      waiting.push(check);
      check();
    });
  const url = String((await line('public listener is open')).address);
  await line('started');
  return {
    url,
    line,
    async stop() {
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      expect(code).toBe(0);
    },
  };
}

describe('the log line of a request that failed', () => {
  test('carries the id and the client that a trusted proxy names', async () => {
    const server = await start({
      LAKH_TRUSTED_PROXIES: '127.0.0.0/8',
      LAKH_PUBLIC_URL: 'http://127.0.0.1',
      LAKH_OPEN: 'true',
    });
    const answer = await fetch(`${server.url}/abc`, { headers: FORWARDED });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    // Nothing of changes: nobody asked for one.
    expect(await answer.json()).toMatchObject({ detail: 'This cannot be answered right now; try again later.' });
    expect(await server.line('a request failed')).toMatchObject({
      requestId: 'from-the-gateway-1',
      clientAddress: '203.0.113.7',
      err: { code: 'store_unavailable' },
    });
    await server.stop();
  });

  test('ignores what anyone else says about itself', async () => {
    const server = await start({});
    await fetch(`${server.url}/abc`, { headers: FORWARDED });
    expect(await server.line('a request failed')).toMatchObject({
      requestId: expect.not.stringMatching('from-the-gateway-1'),
      clientAddress: '127.0.0.1',
    });
    await server.stop();
  });
});

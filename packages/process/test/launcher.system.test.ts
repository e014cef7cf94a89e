import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { until } from '@lakh/testkit';
import { readProcess } from '../src/launcher.js';

/** A server as a service's main.ts is one; says `drained` on its way out. */
const serverSource = (built: (room: string) => string): string => `
import { createHttpServer, listen } from ${JSON.stringify(built('http'))};
import { createLifecycle, createLogger } from ${JSON.stringify(built('process'))};
const log = createLogger({ program: 'test', serverId: 't', level: 'info' });
const lifecycle = createLifecycle({
  log, drainTimeoutMs: 2000, exit: process.exit, startedByNpm: process.env.npm_lifecycle_event !== undefined,
});
await lifecycle.main(async () => {
  const http = createHttpServer({ own: {}, handler: (request, response) => void response.end('hello') });
  await listen(http, { host: '127.0.0.1', port: 0 });
  lifecycle.onStop('http', async () => { await http.drain(1000); log.info('drained'); });
  log.info({ serverPid: process.pid }, 'up');
});
`;

describe('a server that npm started', () => {
  let folder: string;
  let npm: ChildProcess | undefined;
  let serverPid: number | undefined;
  let output = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lakh-launcher-'));
    output = '';
    serverPid = undefined;
    const built = (room: string) => pathToFileURL(join(__dirname, '..', '..', room, 'dist', 'index.js')).href;
    writeFileSync(join(folder, 'server.mjs'), serverSource(built));
    // `; true` keeps the shell between npm and the server; without it some shells replace themselves.
    const scripts = { start: 'node server.mjs', wrapped: 'node server.mjs; true' };
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'launched', private: true, scripts }));
  });

  afterEach(() => {
    if (serverPid !== undefined && readProcess(serverPid)) process.kill(serverPid, 'SIGKILL');
    npm?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function up(command: string, args: readonly string[]): Promise<void> {
    npm = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [npm.stdout, npm.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await until(() => /"serverPid":\d+/.test(output));
    serverPid = Number(/"serverPid":(\d+)/.exec(output)?.[1]);
  }

  const isGone = (): boolean => serverPid !== undefined && readProcess(serverPid) === undefined;

  test.each([
    ['start', 'SIGTERM'],
    ['wrapped', 'SIGTERM'],
    ['wrapped', 'SIGKILL'],
  ] as const)('drains when npm alone gets a signal (npm run %s, %s)', async (script, signal) => {
    await up('npm', ['run', script]);
    npm?.kill(signal);
    await until(isGone);
    await until(() => output.includes('"msg":"drained"'));
  });

  test('stays when it was detached from npm', async () => {
    writeFileSync(
      join(folder, 'launch.mjs'),
      `import { spawn } from 'node:child_process';
       spawn(process.execPath, ['server.mjs'], { detached: true, stdio: 'inherit' }).unref();`,
    );
    const scripts = { up: 'node launch.mjs' };
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'launched', private: true, scripts }));
    await up('npm', ['run', 'up']);
    if (npm?.exitCode === null) await once(npm, 'exit');
    // Two polls of the watch, had there been one.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(isGone()).toBe(false);
    process.kill(serverPid as number, 'SIGTERM');
    await until(isGone);
    expect(output).toContain('"msg":"drained"');
  });
});

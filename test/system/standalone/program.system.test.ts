import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { base62 } from '@lakh/short-code';
import { ask, create } from '../support/http.js';
import {
  cleanEnv,
  runStandalone,
  STANDALONE_MAIN,
  type Standalone,
  startStandalone,
  within,
} from '../support/standalone.js';

// The program as its operator meets it: arguments, settings, one process a folder, stopping.
jest.setTimeout(240_000);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lakh-program-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const settings = (more: Record<string, string> = {}): Record<string, string> => ({
  LAKH_LISTEN: '127.0.0.1:0',
  LAKH_ADMIN_LISTEN: '127.0.0.1:0',
  LAKH_DATA_DIR: folder,
  ...more,
});

describe('arguments', () => {
  test('--help says what it is and names every setting on stdout; --version says the version; nothing is started', async () => {
    for (const argument of ['--help', '-h']) {
      const help = await runStandalone([argument], settings());
      expect([help.code, help.stderr]).toEqual([0, '']);
      for (const name of [
        'LAKH_LISTEN',
        'LAKH_ADMIN_LISTEN',
        'LAKH_DATA_DIR',
        'LAKH_CODEC',
        'LAKH_OPEN',
        'LAKH_SEALED_KEYS_FILE',
      ]) {
        expect(help.stdout).toContain(name);
      }
      expect(help.stdout).not.toContain('LAKH_ZOOKEEPER');
      expect(help.stdout).toContain('npm start');
    }
    const version = await runStandalone(['--version']);
    expect([version.code, version.stderr]).toEqual([0, '']);
    expect(version.stdout).toMatch(/^lakh-standalone \d+\.\d+\.\d+\n$/);
    expect(existsSync(join(folder, 'lakh.db'))).toBe(false);
  });

  test('an argument that it does not have is exit code 2', async () => {
    const { code, stdout, stderr } = await runStandalone(['--port', '80'], settings());
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/--port[\s\S]*--help/);
  });
});

describe('settings that are no good', () => {
  test('stop the start with exit code 2 and name every variable at once', async () => {
    const { code, stdout, stderr } = await runStandalone(
      [],
      settings({
        LAKH_LISTN: 'x',
        LAKH_LISTEN: 'nowhere',
        LAKH_L1_TTL_MS: '5s',
        LAKH_CODEC: 'sealed',
        LAKH_REDIRECT_STATUS: '303',
      }),
    );
    expect([code, stdout]).toEqual([2, '']);
    for (const name of [
      'LAKH_LISTN',
      'LAKH_LISTEN',
      '"nowhere"',
      'LAKH_L1_TTL_MS',
      '"5s"',
      'LAKH_SEALED_KEYS',
      'LAKH_REDIRECT_STATUS',
      '"303"',
    ]) {
      expect(stderr).toContain(name);
    }
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(existsSync(join(folder, 'lakh.db'))).toBe(false);
  });

  test('beyond loopback it needs a public URL, and tokens or LAKH_OPEN', async () => {
    const { code, stderr } = await runStandalone([], settings({ LAKH_LISTEN: '0.0.0.0:0' }));
    expect(code).toBe(2);
    for (const name of ['LAKH_PUBLIC_URL', 'LAKH_API_TOKENS_FILE', 'LAKH_OPEN']) expect(stderr).toContain(name);
  });

  test('a tokens file that is not there: exit code 1 with the reason', async () => {
    const { code, stdout, stderr } = await runStandalone([], settings({ LAKH_API_TOKENS_FILE: '/nonexistent/tokens' }));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/LAKH_API_TOKENS_FILE.*ENOENT/);
  });

  test('keys that make no sense: exit code 2 with the reason, and no key in it', async () => {
    const keys = { LAKH_CODEC: 'sealed', LAKH_SEALED_KEYS: 'not-a-key' };
    const { code, stdout, stderr } = await runStandalone([], settings(keys));
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/LAKH_SEALED_KEYS: .* is not <id>:<hexadecimal key>:<start counter>/);
    expect(stderr).not.toContain('not-a-key');
  });

  test('no room for the in-process cache is fine: it serves without one', async () => {
    const server = await startStandalone({ dataDir: folder, env: { LAKH_L1_MAX_BYTES: '0' } });
    try {
      const { code } = (await create(server.port, { long_url: 'https://example.com/' })).json();
      for (let i = 0; i < 2; i++) expect((await ask(server.port, `/${code}`)).status).toBe(301);
      expect((await ask(Number(new URL(server.adminUrl).port), '/metrics')).text).toMatch(/^lakh_l1_hits_total 0$/m);
    } finally {
      await server.stop();
    }
  });

  test.each(['LAKH_LISTEN', 'LAKH_ADMIN_LISTEN'])(
    'an address in use is exit code 1 and one sentence that names %s, before anything is written',
    async (name) => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const address = `127.0.0.1:${(taken.address() as { port: number }).port}`;
      try {
        const { code, stdout, stderr } = await runStandalone([], settings({ [name]: address }));
        expect([code, stdout]).toEqual([1, '']);
        expect(stderr).toBe(
          `lakh-standalone: cannot listen on ${name}=${address}: another process does already (EADDRINUSE)\n`,
        );
        expect(readdirSync(folder)).toEqual([]);
      } finally {
        taken.close();
      }
    },
  );
});

describe('the log', () => {
  const withoutScript = spawnSync('script', ['--version']).error !== undefined;

  test('is JSON in a pipe, and text where the setting says so', async () => {
    const wrong = { LAKH_API_TOKENS_FILE: '/nonexistent/tokens' };
    const json = (await runStandalone([], settings(wrong))).stderr.trimEnd().split('\n');
    expect(json.map((line) => JSON.parse(line).level).at(-1)).toBe('fatal');
    const text = (await runStandalone([], settings({ ...wrong, LAKH_LOG_FORMAT: 'text' }))).stderr;
    expect(text).toMatch(/^\d\d:\d\d:\d\d fatal the start failed: .*LAKH_API_TOKENS_FILE.*\(invalid_tokens_file\)$/m);
    expect(text).not.toMatch(/^\{|\n\s+at /m);
  });

  (withoutScript ? test.skip : test)('is text on a terminal', async () => {
    const env = cleanEnv(settings({ LAKH_API_TOKENS_FILE: '/nonexistent/tokens' }));
    const run = spawn('script', ['-qec', `'${process.execPath}' '${STANDALONE_MAIN}'`, '/dev/null'], { env });
    let shown = '';
    run.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    await within(once(run, 'close'), 20_000, 'the end of the program');
    expect(shown).toMatch(/^\d\d:\d\d:\d\d info {2}starting version=/);
    expect(shown).not.toContain('{"level"');
  });
});

(process.platform === 'linux' ? test : test.skip)(
  'too few file descriptors for its connections are told at the start',
  () => {
    const env = cleanEnv(settings({ LAKH_API_TOKENS_FILE: '/nonexistent/tokens' }));
    const script = `ulimit -n 512; exec '${process.execPath}' '${STANDALONE_MAIN}'`;
    const { stderr } = spawnSync('sh', ['-c', script], { env, encoding: 'utf8', timeout: 20_000 });
    const [warning] = stderr.split('\n').filter((line) => line.includes('LAKH_MAX_CONNECTIONS'));
    expect(JSON.parse(warning ?? '{}')).toMatchObject({
      level: 'warn',
      msg: expect.stringMatching(/^LAKH_MAX_CONNECTIONS=16384 needs 16640 .* may open 512: it takes 256 connections;/),
    });
  },
);

describe('a running server', () => {
  let server: Standalone;
  beforeEach(async () => {
    server = await startStandalone({ dataDir: folder });
  });
  afterEach(async () => {
    await server.stop();
  });

  test('keeps a second process off its folder, which says so, and serves on', async () => {
    const { code, stdout, stderr } = await runStandalone([], settings());
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /lakh\.db is in use by another process: stop that one first, or give this one another LAKH_DATA_DIR/,
    );
    expect((await create(server.port, { long_url: 'https://example.com/' })).status).toBe(201);
  });

  test('refuses a codec other than its data was made with', async () => {
    await server.stop();
    const { code, stderr } = await runStandalone([], settings({ LAKH_CODEC: 'sqids' }));
    expect(code).toBe(1);
    expect(stderr).toMatch(/base62[\s\S]*sqids|sqids[\s\S]*base62/);
  });

  test('is live and ready on the admin listener only, and says on stdout nothing but where it is', async () => {
    const admin = Number(new URL(server.adminUrl).port);
    for (const path of ['/healthz/live', '/healthz/ready', '/metrics']) {
      expect([path, (await ask(admin, path)).status]).toEqual([path, 200]);
      expect([path, (await ask(server.port, path)).status]).toEqual([path, 404]);
    }
    expect(server.stdout()).toBe(`Lakh is ready: ${server.url}\n`);
  });

  /** A create that has sent its head and waits before its body. */
  async function halfRequest(): Promise<{ socket: Socket; received: () => string; body: string }> {
    const body = JSON.stringify({ long_url: 'https://example.com/in-flight' });
    const socket = connect(server.port, '127.0.0.1');
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.on('error', () => {});
    socket.write(
      `POST /api/v1/urls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
    );
    // The interim answer is the proof that the request is in the server's hands.
    await within(once(socket, 'data'), 5_000, '100 Continue');
    expect(received).toMatch(/^HTTP\/1\.1 100 /);
    return { socket, received: () => received, body };
  }

  async function counterOfNext(): Promise<number> {
    const { code } = (await create(server.port, { long_url: 'https://example.com/next' })).json();
    return base62().decode(code) as number;
  }

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s: finishes what is in flight, accepts nothing else, exits 0',
    async (signal) => {
      const { socket, received, body } = await halfRequest();
      server.child.kill(signal);
      await server.logged(/"msg":"draining"/);
      // What was on its way when the drain began is answered yet.
      const untilRefused = async (): Promise<never> => {
        for (;;) expect((await ask(server.port, '/')).headers.connection).toBe('close');
      };
      await expect(untilRefused()).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
      const closed = once(socket, 'close');
      socket.write(body);
      await within(closed, 5_000, 'the end of the connection');
      expect(received()).toMatch(/HTTP\/1\.1 201 /);
      expect(received()).toMatch(/\r\nConnection: close\r\n/i);
      expect(await within(server.ended, 5_000, 'the end of the server')).toEqual({ code: 0, signal: null });
      // What it acknowledged on its way out is there at the next start.
      const [, code] = /"code":"([^"]+)"/.exec(received()) ?? [];
      server = await startStandalone({ dataDir: folder });
      expect((await ask(server.port, `/${code}`)).headers.location).toBe('https://example.com/in-flight');
    },
  );

  test('closing the terminal ends the log and is a clean stop all the same: nothing is burnt', async () => {
    await server.stop();
    server = await startStandalone({ dataDir: folder });
    const before = await counterOfNext();
    server.child.stderr?.destroy();
    server.child.kill('SIGHUP');
    expect(await within(server.ended, 5_000, 'the end of the server')).toEqual({ code: 0, signal: null });
    server = await startStandalone({ dataDir: folder });
    expect(await counterOfNext()).toBe(before + 1);
  });

  test('a second signal exits at once', async () => {
    const { socket } = await halfRequest();
    server.child.kill('SIGTERM');
    await server.logged(/"msg":"draining"/);
    const startedMs = performance.now();
    server.child.kill('SIGTERM');
    expect(await within(server.ended, 5_000, 'the end of the server')).toEqual({ code: 143, signal: null });
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    socket.destroy();
  });

  test('a request that never ends is cut at the end of the drain, and that is still a clean stop', async () => {
    await server.stop();
    server = await startStandalone({ dataDir: folder, env: { LAKH_DRAIN_TIMEOUT_MS: '300' } });
    const { socket } = await halfRequest();
    const closed = once(socket, 'close');
    server.child.kill('SIGTERM');
    await within(closed, 5_000, 'the cut');
    expect(await within(server.ended, 5_000, 'the end of the server')).toEqual({ code: 0, signal: null });
    expect(server.stderr()).toContain('"cut":1');
  });

  test('targets and tokens are never logged', async () => {
    await create(server.port, { long_url: 'https://secret-target.example/' }, { authorization: 'Bearer secret-token' });
    await create(server.port, { long_url: 'https://u:secret-password@example.com/' });
    await server.stop();
    expect(server.stderr()).not.toMatch(/secret-(target|token|password)/);
  });
});

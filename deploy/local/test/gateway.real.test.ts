import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@lakh/testkit';
import { launch } from '../src/servers/launch';
import { type NginxPlanSpec, nginxPlan, reloadNginx } from '../src/servers/nginx';
import { freePorts } from '../src/servers/ports';
import type { LocalServer } from '../src/servers/server';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server that says who it is, notes what it was asked, and does what `behave` tells it. */
interface Upstream {
  readonly port: number;
  readonly seen: { method: string; url: string; headers: IncomingHttpHeaders }[];
  behave: 'answer' | 'hang up' | 'hold' | 'refuse';
  release(): void;
  close(): Promise<void>;
}

async function upstream(name: string, port = 0): Promise<Upstream> {
  const held: (() => void)[] = [];
  const server: Server = createServer((incoming, response) => {
    self.seen.push({ method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers });
    incoming.resume().on('end', () => {
      if (self.behave === 'hang up') return incoming.socket.destroy();
      if (self.behave === 'refuse') return response.writeHead(503).end(`${name} cannot`);
      // A target that begins with the upstream's name, which nginx would rewrite by default.
      const answer = (): unknown =>
        response.writeHead(200, { Location: 'http://redirect/x', 'X-Request-Id': 'theirs' }).end(name);
      return self.behave === 'hold' ? held.push(answer) : answer();
    });
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const self: Upstream = {
    port: (server.address() as { port: number }).port,
    seen: [],
    behave: 'answer',
    release() {
      for (const answer of held.splice(0)) answer();
    },
    async close() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
  return self;
}

function ask(
  port: number,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string; agent?: Agent; from?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port, method, path, headers: options.headers ?? {}, timeout: 20_000 },
        agent: options.agent ?? false,
        localAddress: options.from ?? '127.0.0.1',
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

/** Sends bytes as they are; everything that comes back until the server closes. Once our side has ended, nginx asks no server any more. */
async function raw(port: number, text: string, ends = true): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    answer += chunk;
  });
  socket.on('error', () => {});
  if (ends) socket.end(text);
  else socket.write(text);
  // Not `once`, which rejects where the server resets: that is an end too.
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

const isProblem = (answer: Answer, status: number, code: string): void => {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(JSON.parse(answer.body)).toMatchObject({
    status,
    code,
    title: expect.any(String),
    detail: expect.any(String),
  });
};

describe('the gateway', () => {
  let dir: string;
  let gateway: LocalServer;
  let spec: NginxPlanSpec;
  let shortens: [Upstream, Upstream];
  let redirect: Upstream;
  let port: number;

  beforeEach(async () => {
    // A name that would end a directive, start a variable and close a block, if it were ever parsed.
    dir = mkdtempSync(join(tmpdir(), 'lakh gateway $uri;"\'} '));
    shortens = [await upstream('shorten-1'), await upstream('shorten-2')];
    redirect = await upstream('redirect-1');
    const [first, adminPort] = (await freePorts(2)) as [number, number];
    port = first;
    spec = {
      name: 'gateway',
      dir,
      port,
      adminPort,
      shortenPorts: shortens.map((server) => server.port),
      redirectPorts: [redirect.port],
      ratePerS: 10_000,
      requestsPerClient: 1000,
    };
    gateway = await launch(nginxPlan(spec));
  });

  afterEach(async () => {
    await gateway.stop();
    await Promise.all([...shortens, redirect].map((server) => server.close()));
    rmSync(dir, { recursive: true, force: true });
  });

  const seenBy = (server: Upstream): string[] => server.seen.map(({ url }) => url);

  test('sends the page, /api/ and /-/ to shorten, every other path to redirect, untouched', async () => {
    const toShorten = ['/', '/?x=1', '/api/v1/urls', '/-/shorten', '/-/style.css?v=%20'];
    const toRedirect = ['/Q0u', '/Q0u?a=%2F', '/robots.txt', '/api', '/-', '/-a', '//api/v1', '/a%2Fb', '/%F0%9F'];
    for (const path of toShorten) expect((await ask(port, 'GET', path)).body).toMatch(/^shorten-/);
    for (const path of toRedirect) expect((await ask(port, 'GET', path)).body).toBe('redirect-1');
    expect([...seenBy(shortens[0]), ...seenBy(shortens[1])].sort()).toEqual([...toShorten].sort());
    expect(seenBy(redirect)).toEqual(toRedirect);
  });

  test('says who the client is and names the request, whatever the client says', async () => {
    const answer = await ask(port, 'GET', '/Q0u', {
      headers: {
        Host: 'short.example:8443',
        'X-Forwarded-For': '6.6.6.6',
        'X-Forwarded-Proto': 'https',
        Forwarded: 'for=6.6.6.6',
        'X-Request-Id': 'mine',
      },
    });
    const headers = redirect.seen[0]?.headers ?? {};
    expect(headers).toMatchObject({
      host: 'short.example:8443',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
    });
    expect(headers.forwarded).toBeUndefined();
    expect(headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.headers['x-request-id']).toBe(headers['x-request-id']);
    expect(answer.headers.location).toBe('http://redirect/x');
    expect(answer.headers.server).toBe('nginx');
  });

  test('refuses a body that is too large, before a server sees it, and passes one that the servers judge', async () => {
    const headers = { 'Content-Type': 'application/json' };
    isProblem(await ask(port, 'POST', '/api/v1/urls', { headers, body: 'x'.repeat(20_000) }), 413, 'payload_too_large');
    expect(shortens.flatMap(seenBy)).toEqual([]);
    expect((await ask(port, 'POST', '/api/v1/urls', { headers, body: 'x'.repeat(16_500) })).status).toBe(200);
  });

  test('a batch may have more, arrives whole at a server, however it is framed, and is answered after it', async () => {
    const headers = { 'Content-Type': 'application/x-ndjson' };
    const body = 'x'.repeat(3_000_000);
    const [path, chunked] = ['/api/v1/urls:batch', { 'Transfer-Encoding': 'chunked' }];
    expect((await ask(port, 'POST', path, { headers, body })).body).toMatch(/^shorten-/);
    expect((await ask(port, 'POST', path, { headers: { ...headers, ...chunked }, body })).body).toMatch(/^shorten-/);
    expect((await ask(port, 'POST', '/api/v1/urls', { headers: { Prefer: 'mine' }, body: '{}' })).status).toBe(200);
    const preferred = shortens.flatMap(({ seen }) => seen).map(({ url, headers: { prefer } }) => `${url} ${prefer}`);
    expect(preferred.sort()).toEqual(['/api/v1/urls mine', ...Array(2).fill(`${path} answer-after-body`)]);
    const over = 'x'.repeat(4 * 1024 * 1024 + 2048);
    isProblem(await ask(port, 'POST', path, { headers, body: over }), 413, 'payload_too_large');
    isProblem(
      await ask(port, 'POST', path, { headers: { ...headers, ...chunked }, body: over }),
      413,
      'payload_too_large',
    );
  });

  test('passes a small body whose framing is larger than the memory set aside for bodies', async () => {
    const socket = connect({ host: '127.0.0.1', port }).setEncoding('latin1');
    const head =
      'POST /api/v1/urls HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';
    const body = 'x'.repeat(16_000);
    socket.write(`${head}${body.length.toString(16)};${'e'.repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('a server that is gone costs nobody an answer, not even of a POST', async () => {
    await shortens[0].close();
    for (let count = 0; count < 10; count++) {
      const answers = await Promise.all([ask(port, 'GET', '/'), ask(port, 'POST', '/api/v1/urls', { body: '{}' })]);
      expect(answers.map(({ status, body }) => [status, body])).toEqual([
        [200, 'shorten-2'],
        [200, 'shorten-2'],
      ]);
    }
  });

  test('a POST that may have been applied is answered with 503 and reaches no second server; a GET does', async () => {
    shortens[0].behave = 'hang up';
    const posts: number[] = [];
    while (shortens[0].seen.length === 0) {
      posts.push((await ask(port, 'POST', '/api/v1/urls', { body: '{}' })).status);
      expect(posts.length).toBeLessThan(20);
    }
    expect(posts.at(-1)).toBe(503);
    // Each POST was seen exactly once, by whichever server.
    expect(shortens.flatMap(seenBy)).toHaveLength(posts.length);

    const answers = await Promise.all(Array.from({ length: 4 }, () => ask(port, 'GET', '/')));
    expect(answers.map(({ body }) => body)).toEqual(Array(4).fill('shorten-2'));
  });

  test("a server's 503 costs nobody an answer while another has one, and it is asked little; a POST's is passed on", async () => {
    shortens[0].behave = 'refuse';
    for (let count = 0; count < 50; count++) expect((await ask(port, 'GET', '/')).body).toBe('shorten-2');
    // Twice before it is taken out, and once each time that is over.
    expect(shortens[0].seen.length).toBeLessThan(10);
    shortens[1].behave = 'refuse';
    const answers: Answer[] = [];
    for (let count = 0; count < 10; count++) answers.push(await ask(port, 'POST', '/api/v1/urls', { body: '{}' }));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    expect(answers.every(({ body }) => /^shorten-. cannot$/.test(body))).toBe(true);
  });

  test('what all refuse now, the first that can answers again at once', async () => {
    for (const server of shortens) server.behave = 'refuse';
    for (let count = 0; count < 10; count++) {
      // In a server's own words, also once it is taken out.
      for (const method of ['GET', 'DELETE']) {
        const { status, body } = await ask(port, method, '/api/v1/urls/Q0u');
        expect([status, body]).toEqual([503, expect.stringMatching(/^shorten-. cannot$/)]);
      }
    }
    shortens[1].behave = 'answer';
    for (let count = 0; count < 20; count++) expect((await ask(port, 'GET', '/')).body).toBe('shorten-2');
  });

  test.each(['gone', 'hanging up'])(
    'what one server refuses while the other is %s is said in its own words',
    async (how) => {
      shortens[0].behave = 'refuse';
      if (how === 'gone') await shortens[1].close();
      else shortens[1].behave = 'hang up';
      for (let count = 0; count < 20; count++) {
        const { status, body } = await ask(port, 'GET', '/api/v1/urls/Q0u?x=%2F');
        expect([status, body]).toEqual([503, 'shorten-1 cannot']);
      }
      expect(new Set(seenBy(shortens[0]))).toEqual(new Set(['/api/v1/urls/Q0u?x=%2F']));
      shortens[1].behave = 'hang up';
      // What may not be sent twice is not.
      const before = shortens.flatMap(seenBy).length;
      for (let count = 0; count < 10; count++) await ask(port, 'PATCH', '/api/v1/urls/Q0u', { body: '{}' });
      expect(shortens.flatMap(seenBy).length - before).toBeLessThanOrEqual(10);
    },
  );

  test('a server that was away and is back is asked at once when the other goes, POSTs too', async () => {
    const [first, second] = shortens;
    const posts = async () => {
      for (let count = 0; count < 10; count++) {
        expect((await ask(port, 'POST', '/api/v1/urls', { body: '{}' })).status).toBe(200);
      }
    };
    await posts();
    await first.close();
    await posts();
    const again = await upstream('shorten-1', first.port);
    try {
      await second.close();
      await posts();
      expect(again.seen).toHaveLength(10);
    } finally {
      await again.close();
    }
  });

  test('of many at once none is refused while each server goes in turn as the other is back', async () => {
    const post = () => ask(port, 'POST', '/api/v1/urls', { body: '{}' }).then(({ status }) => status);
    const [first, second] = shortens;
    let [away, there] = [first, second] as [Upstream, Upstream];
    const back: Upstream[] = [];
    try {
      await away.close();
      for (let turn = 0; turn < 4; turn++) {
        expect(new Set(await Promise.all(Array.from({ length: 30 }, post)))).toEqual(new Set([200]));
        back.push(await upstream('back', away.port));
        [away, there] = [there, back.at(-1) as Upstream];
        await away.close();
      }
    } finally {
      await Promise.all(back.map((server) => server.close()));
    }
  });

  test('with no server left: 503 with Retry-After, as problem+json', async () => {
    await redirect.close();
    const answer = await ask(port, 'GET', '/Q0u');
    isProblem(answer, 503, 'unavailable');
    expect(JSON.parse(answer.body).detail).toBe('No server could answer in time.');
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.headers['cache-control']).toBe('no-store');
    // Shortening goes on.
    expect((await ask(port, 'GET', '/')).status).toBe(200);
    await Promise.all(shortens.map((server) => server.close()));
    const change = await ask(port, 'POST', '/api/v1/urls', { body: '{}' });
    isProblem(change, 503, 'unavailable');
    expect(JSON.parse(change.body).detail).toContain('a change that was asked for may have been made');
  });

  test('a browser is told on a page, but for the API', async () => {
    await Promise.all([...shortens, redirect].map((server) => server.close()));
    const headers = { Accept: 'text/html,*/*;q=0.8' };
    const page = await ask(port, 'GET', '/Q0u', { headers });
    expect([page.status, page.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8']);
    expect(page.body).toContain('<main>\n<h1>Not just now</h1>\n<p>No server could answer in time.</p>');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(page.headers).toMatchObject({
      'retry-after': '1',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    const tooMuch = await ask(port, 'POST', '/-/shorten', { headers, body: 'x'.repeat(20_000) });
    expect([tooMuch.status, tooMuch.headers['content-type']]).toEqual([413, 'text/html; charset=utf-8']);
    isProblem(await ask(port, 'GET', '/api/v1/urls/Q0u', { headers }), 503, 'unavailable');
  });

  test('takes new servers while it runs; what is in flight finishes', async () => {
    redirect.behave = 'hold';
    const inFlight = ask(port, 'GET', '/held');
    while (redirect.seen.length === 0) await new Promise(setImmediate);
    const other = await upstream('redirect-2');
    try {
      await reloadNginx({ ...spec, redirectPorts: [other.port] }, gateway.pid);
      expect((await ask(port, 'GET', '/Q0u')).body).toBe('redirect-2');
      redirect.release();
      expect(await inFlight).toMatchObject({ status: 200, body: 'redirect-1' });
    } finally {
      await other.close();
    }
  });

  test('takes new servers under clients that are busy on kept connections, and costs them no POST', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 32 });
    const outcomes = new Map<string, number>();
    const paths = new Set<string>();
    let isReloading = true;
    const clients = Array.from({ length: 32 }, async (_, client) => {
      for (let count = 0; isReloading; count++) {
        const path = `/api/v1/a%2Fb//?client=${client}&count=${count}`;
        paths.add(path);
        const sent = ask(port, 'POST', path, { body: '{}', agent });
        const outcome = await sent.then(({ status, body }) => `${status} ${body}`, String);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        // A connection that was closed behind an answer is noticed before it is used again.
        await new Promise(setImmediate);
      }
    });
    try {
      for (let reload = 0; reload < 6; reload++) {
        const shortenPorts = shortens.slice(0, 1 + (reload % 2)).map((server) => server.port);
        await reloadNginx({ ...spec, shortenPorts }, gateway.pid);
      }
    } finally {
      isReloading = false;
      await Promise.all(clients);
      agent.destroy();
    }
    expect([...outcomes.keys()].sort()).toEqual(['200 shorten-1', '200 shorten-2']);
    const seen = shortens.flatMap(seenBy);
    expect(seen).toHaveLength(paths.size);
    expect(new Set(seen)).toEqual(paths);
  }, 30_000);

  test.each([
    ['no request at all', 'GARBAGE\r\n\r\n', 400],
    ['a control character', 'GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['a host with a space', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a version to come', 'GET / HTTP/9.1\r\nHost: localhost\r\n\r\n', 400],
    ['an unknown encoding', 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, x\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['a path above the root', 'GET /../../etc HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
    ['an endless address', `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 414],
    ['an endless header', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
    ['two hosts', 'GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 421],
    ['the same, the other way', 'GET http://localhost/x HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n', 421],
    ['an absolute target of no host', 'GET http:///x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    ["an error page's own address", 'GET /-/gateway/503 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 404],
  ])('%s is answered with a 4xx as problem+json, by itself', async (_, text, status) => {
    const answer = await raw(port, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('Content-Type: application/problem+json');
    expect([...shortens, redirect].flatMap(seenBy)).toEqual([]);
  });

  test('an absolute target goes on where it names the host that the header names', async () => {
    for (const path of ['http://localhost:1/Q0u', 'HTTP://LOCALHOST:1/Q0u?a']) {
      expect((await ask(port, 'GET', path, { headers: { Host: 'localhost:1' } })).status).toBe(200);
    }
    expect(seenBy(redirect)).toEqual(['/Q0u', '/Q0u?a']);
    expect(redirect.seen[0]?.headers.host).toBe('localhost:1');
  });

  test('HTTP/0.9, whose answers are bodies alone, gets none', async () => {
    expect(await raw(port, 'GET /Q0u\r\n')).toBe('');
    expect(seenBy(redirect)).toEqual([]);
  });

  test('what follows a chunked body on its connection is no request, for readers disagree about where chunks end', async () => {
    const head = 'POST /api/v1/urls HTTP/1.1\r\nHost: localhost\r\n';
    const answer = await raw(
      port,
      `${head}Transfer-Encoding: chunked\r\n\r\n0 5\r\n\r\n${head}Content-Length: 0\r\n\r\n`,
      false,
    );
    expect(answer.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 200']);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
    expect(shortens.flatMap(seenBy)).toEqual(['/api/v1/urls']);
  });

  test('what is no header’s name reaches the servers, who refuse it, and is not left out in silence', async () => {
    const answer = await raw(
      port,
      'GET /Q0u HTTP/1.1\r\nHost: localhost\r\nX\\Y: 1\r\nConnection: close\r\n\r\n',
      false,
    );
    // Node refused it before a request was made of it.
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(seenBy(redirect)).toEqual([]);
  });

  test('its admin listener answers for loopback and its own address, and for no other host', async () => {
    const { adminPort } = spec;
    for (const host of ['127.0.0.1', `localhost:${adminPort}`, 'LOCALHOST', '[::1]:80']) {
      expect([host, (await ask(adminPort, 'GET', '/status', { headers: { Host: host } })).status]).toEqual([host, 200]);
    }
    for (const host of ['evil.example', `evil.example:${adminPort}`, '127.0.0.1.evil.example', '127.0.0.1#evil']) {
      const answer = await ask(adminPort, 'GET', '/status', { headers: { Host: host } });
      expect([host, answer.status, answer.headers['x-content-type-options']]).toEqual([host, 421, 'nosniff']);
    }
  });

  test('its log names requests and servers, and neither codes nor query strings', async () => {
    await redirect.close();
    await ask(port, 'GET', '/SecretCode?token=hunter2', { headers: { Referer: 'http://hunter2/' } });
    await raw(port, 'GET /SecretCode?hunter2 HTTP/9.1\r\n\r\n');
    await gateway.stop();
    const log = readFileSync(gateway.plan.logFile, 'utf8');
    expect(log).toMatch(new RegExp(` GET code 503 .*127.0.0.1:${redirect.port}`));
    expect(log).not.toMatch(/hunter2|SecretCode/);
  });
});

describe('a gateway with narrow limits', () => {
  let dir: string;
  let gateway: LocalServer;
  let server: Upstream;
  let port: number;

  async function start(limits: Pick<NginxPlanSpec, 'ratePerS' | 'requestsPerClient'>): Promise<void> {
    const [first, adminPort] = (await freePorts(2)) as [number, number];
    port = first;
    const ports = { shortenPorts: [server.port], redirectPorts: [server.port] };
    gateway = await launch(nginxPlan({ name: 'gateway', dir, port, adminPort, ...ports, ...limits }));
  }

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'lakh-gateway-'));
    server = await upstream('any');
  });

  afterEach(async () => {
    await gateway.stop();
    await server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  test('answers 429 beyond its rate, and other requests pass', async () => {
    await start({ ratePerS: 5, requestsPerClient: 100 });
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(port, 'GET', '/Q0u')));
    const passed = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    expect(passed.length + refused.length).toBe(30);
    expect(passed.length).toBeGreaterThanOrEqual(6);
    expect(refused.length).toBeGreaterThan(0);
    isProblem(refused[0] as Answer, 429, 'rate_limited');
    expect(refused[0]?.headers['retry-after']).toBe('1');
    expect(server.seen).toHaveLength(passed.length);
  });

  test('lets one client have so many requests in progress, and other clients theirs', async () => {
    await start({ ratePerS: 10_000, requestsPerClient: 8 });
    server.behave = 'hold';
    const held = Array.from({ length: 8 }, () => ask(port, 'GET', '/Q0u'));
    await until(() => server.seen.length === 8);
    isProblem(await ask(port, 'GET', '/Q0u'), 429, 'rate_limited');
    const other = ask(port, 'GET', '/Q0u', { from: '127.0.0.2' });
    await until(() => server.seen.length === 9);
    server.release();
    const answers = await Promise.all([...held, other]);
    expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(200));
    server.behave = 'answer';
    expect((await ask(port, 'GET', '/Q0u')).status).toBe(200);
  });

  test('holds few bodies that trickle, refuses the rest of them at once, and serves everybody else', async () => {
    await start({ ratePerS: 10_000, requestsPerClient: 16 });
    const slow = Array.from({ length: 40 }, () => new SlowPost(port));
    try {
      // Those that are refused go on sending, and are rid of their connections all the same.
      await until(() => slow.filter(({ isOver }) => isOver).length === 36);
      const over = slow.filter(({ isOver }) => isOver);
      expect(new Set(over.map(({ received }) => received.slice(0, 12)))).toEqual(new Set(['HTTP/1.1 429']));
      const body = '{}';
      const same = await Promise.all(Array.from({ length: 8 }, () => ask(port, 'GET', '/Q0u')));
      const other = await Promise.all(
        Array.from({ length: 4 }, () => ask(port, 'POST', '/api/v1/urls', { body, from: '127.0.0.2' })),
      );
      expect([...same, ...other].map(({ status }) => status)).toEqual(Array(12).fill(200));
      isProblem(await ask(port, 'POST', '/api/v1/urls', { body }), 429, 'rate_limited');
      expect(slow.filter(({ isOver }) => isOver)).toHaveLength(36);
      // A server is bothered with no body that is not whole.
      expect(server.seen).toHaveLength(12);
    } finally {
      for (const each of slow) each.end();
    }
  });
});

/** Sends a byte of its body every tenth of a second, whatever is answered. */
class SlowPost {
  received = '';
  isOver = false;
  readonly #socket;
  readonly #dripping;

  constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port }).setEncoding('latin1');
    this.#socket.on('data', (text: string) => {
      this.received += text;
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.end());
    this.#socket.write('POST /api/v1/urls HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16000\r\n\r\n');
    this.#dripping = setInterval(() => this.#socket.write(' '), 100);
  }

  end(): void {
    this.isOver = true;
    clearInterval(this.#dripping);
    this.#socket.destroy();
  }
}

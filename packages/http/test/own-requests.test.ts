import type { HttpServerOptions } from '../src/index.js';
import { RawClient, startServer } from './support.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const own = { publicUrl: 'https://short.example', hosts: ['Node-1.', '::2'] };

async function made(options: Partial<HttpServerOptions> = {}): Promise<(bytes: string) => Promise<string>> {
  const server = await startServer({
    own,
    handler: (_request, response) => void response.end('hello'),
    fastLane(request, response) {
      if (request.url !== '/fast') return false;
      response.end('fast');
      return true;
    },
    ...options,
  });
  closers.push(() => server.drain(0));
  return (bytes) => new RawClient(server.port).send(bytes).all();
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
const get = (path: string, ...lines: string[]) =>
  `${[`GET ${path} HTTP/1.1`, ...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`;

describe('Host', () => {
  test.each([
    ['127.0.0.1', 200],
    ['127.0.0.1:1', 200],
    ['127.9.9.9:65535', 200],
    ['localhost', 200],
    ['LocalHost:3000', 200],
    ['[::1]', 200],
    ['[::1]:8080', 200],
    ['[0:0:0:0:0:0:0:1]', 200],
    ['short.example', 200],
    ['SHORT.example.', 200],
    ['short.example:443', 200],
    ['short.example:8443', 200],
    ['node-1:8081', 200],
    ['[0:0::2]', 200],
    ['2130706433', 200],
    ['3221225985', 421],
    ['evil.example', 421],
    ['evil.example:8080', 421],
    ['short.example.evil.example', 421],
    ['evil-short.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost.evil.example', 421],
    ['192.0.2.1', 421],
    ['[2001:db8::1]', 421],
    ['', 400],
    [' ', 400],
    ['localhost, evil.example', 400],
    ['localhost evil.example', 400],
    ['localhost,', 400],
    ['me@localhost', 400],
    ['localhost@evil.example', 400],
    ['localhost/path', 400],
    ['http://localhost', 400],
    ['localhost?', 400],
    ['localhost#', 400],
    ['localhost:', 400],
    ['localhost:x', 400],
    ['localhost:65536', 400],
    ['localhost:80:80', 400],
    ['::1', 400],
    ['[::1', 400],
    ['[127.0.0.1]', 400],
    ['loc%61lhost', 400],
    [`${'a'.repeat(300)}`, 400],
    ['l\xf6calhost', 400],
  ])('%j is answered with %i, on both lanes and in the absolute form', async (host, status) => {
    const ask = await made();
    for (const path of ['/', '/fast']) {
      const answer = await ask(get(path, `Host: ${host}`));
      expect([path, statusOf(answer)]).toEqual([path, status]);
      if (status === 200) continue;
      expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/i);
      expect(answer).toMatch(/\r\nx-content-type-options: nosniff\r\n/i);
      expect(answer).toContain(status === 421 ? '"code":"misdirected_request"' : '"code":"bad_request"');
    }
    if (status !== 400) expect(statusOf(await ask(get(`http://${host}/`, 'Host: localhost')))).toBe(status);
  });

  test('that is missing or there twice is refused, but for HTTP/1.0, which has none', async () => {
    const ask = await made();
    const missing = await ask('GET /fast HTTP/1.1\r\nConnection: close\r\n\r\n');
    expect(statusOf(missing)).toBe(400);
    expect(missing).toMatch(/\r\nx-content-type-options: nosniff\r\n/i);
    expect(missing).toContain('"code":"bad_request"');
    for (const second of ['Host: localhost', 'hOsT: evil.example']) {
      expect(statusOf(await ask(get('/fast', 'Host: localhost', second)))).toBe(400);
    }
    expect(statusOf(await ask('GET /fast HTTP/1.0\r\n\r\n'))).toBe(200);
  });

  test('is one in an absolute target too, whatever the header says', async () => {
    const ask = await made();
    expect(statusOf(await ask(get('http://localhost:1/fast', 'Host: localhost')))).toBe(200);
    expect(statusOf(await ask(get('http://evil.example/fast', 'Host: localhost')))).toBe(421);
    expect(statusOf(await ask(get('ftp://evil.example/fast', 'Host: localhost')))).toBe(421);
    expect(statusOf(await ask(get('http://localhost/fast', 'Host: evil.example')))).toBe(421);
    for (const target of ['http:///fast', 'http://?', 'http://me@localhost/', 'http://localhost:99999/']) {
      expect([target, statusOf(await ask(get(target, 'Host: localhost')))]).toEqual([target, 400]);
    }
  });

  test('that is the address a client did reach is this server’s, whatever it is bound to', async () => {
    const ask = await made({ own: {} });
    expect(statusOf(await ask(get('/', 'Host: short.example')))).toBe(421);
    // Loopback's own address is all that a test can be sure to have: seen as if it were a name that nobody gave.
    expect(statusOf(await ask(get('/', 'Host: [::ffff:127.0.0.1]:80')))).toBe(200);
  });
});

test('where people know a server by https every answer says so, refusals included, and nowhere else', async () => {
  for (const publicUrl of ['https://short.example', 'http://short.example', undefined]) {
    const ask = await made({
      own: { publicUrl },
      handler(request, response) {
        if (request.url === '/throw') throw new Error('a bug');
        if (request.url === '/list') response.writeHead(301, ['Location', '/']);
        else if (request.url === '/object') response.setHeader('x-a', 'b').writeHead(200, { 'x-b': 'c' });
        response.end();
      },
    });
    for (const path of ['/', '/fast', '/list', '/object', '/throw', `/${'a'.repeat(9000)}`]) {
      const answer = await ask(get(path, 'Host: localhost'));
      const times = answer.match(/\r\nStrict-Transport-Security: max-age=31536000\r\n/g)?.length ?? 0;
      expect([publicUrl, path.slice(0, 9), times]).toEqual([
        publicUrl,
        path.slice(0, 9),
        publicUrl?.startsWith('https:') ? 1 : 0,
      ]);
    }
  }
});

test('a request of another version is refused, though the parser takes it for one of HTTP/1.1', async () => {
  const ask = await made();
  for (const version of ['', ' HTTP/0.9', ' HTTP/2.0', ' HTTP/1.9', ' http/1.1']) {
    const answer = await ask(`GET /fast${version}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect([version, statusOf(answer)]).toEqual([version, 400]);
    expect(answer).toContain('"code":"bad_request"');
  }
});

describe('what changes something', () => {
  const post = (...lines: string[]) =>
    `${['POST / HTTP/1.1', ...lines, 'Content-Length: 0', 'Connection: close'].join('\r\n')}\r\n\r\n`;

  test.each([
    ['localhost:8080', [], 200],
    ['localhost:8080', ['Origin: http://localhost:8080'], 200],
    ['LOCALHOST:8080', ['Origin: http://localhost:8080'], 200],
    ['localhost:8080', ['Origin: http://localhost:8080', 'Sec-Fetch-Site: same-origin'], 200],
    ['localhost:8080', ['Sec-Fetch-Site: none'], 200],
    ['localhost:8080', ['Origin: null', 'Sec-Fetch-Site: same-origin'], 200],
    ['short.example', ['Origin: https://short.example', 'Sec-Fetch-Site: same-origin'], 200],
    // A proxy that passes on a name of its own.
    ['node-1:8080', ['Origin: https://short.example'], 200],
    ['localhost:8080', ['Origin: http://evil.example'], 403],
    ['localhost:8080', ['Origin: http://localhost:9999'], 403],
    ['localhost:8080', ['Origin: http://localhost'], 403],
    ['localhost:8080', ['Origin: null'], 403],
    ['localhost:8080', ['Origin: '], 403],
    ['localhost:8080', ['Sec-Fetch-Site: cross-site'], 403],
    ['localhost:8080', ['Sec-Fetch-Site: same-site'], 403],
    ['localhost:8080', ['Origin: null', 'Sec-Fetch-Site: cross-site'], 403],
    ['localhost:8080', ['Origin: http://localhost:8080', 'Sec-Fetch-Site: cross-site'], 403],
    ['localhost:8080', ['Origin: http://evil.example', 'Sec-Fetch-Site: same-origin'], 403],
    ['localhost:8080', ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site'], 403],
    // Whoever sits on the way of plain http is not the https site.
    ['short.example', ['Origin: http://short.example'], 403],
    ['evil.example', ['Origin: http://evil.example', 'Sec-Fetch-Site: same-origin'], 421],
  ])('at %s with %j is answered with %i', async (host, lines, status) => {
    const ask = await made();
    const answer = await ask(post(`Host: ${host}`, ...lines));
    expect(statusOf(answer)).toBe(status);
    if (status === 403) expect(answer).toContain('"code":"forbidden"');
    // Reading is no change.
    expect(statusOf(await ask(get('/', 'Host: localhost', ...lines)))).toBe(200);
  });
});

describe('what comes after thousands of headers', () => {
  const many = Array<string>(2_500).fill('a:');
  const host = 'Host: localhost';

  test.each([
    ['a second Host', get('/', host, ...many, 'Host: evil.example'), 400],
    ['a second Host, where the answer is at hand', get('/fast', host, ...many, 'Host: evil.example'), 400],
    ['the only Host', get('/', ...many, 'Host: evil.example'), 421],
    ['an Origin', get('/', host, ...many, 'Origin: https://evil.example').replace('GET', 'POST'), 403],
    ['a Sec-Fetch-Site', get('/', host, ...many, 'Sec-Fetch-Site: cross-site').replace('GET', 'DELETE'), 403],
    ['nothing more', get('/', host, ...many), 200],
  ])('is read too: %s', async (_what, bytes, status) => {
    const ask = await made();
    expect(statusOf(await ask(bytes))).toBe(status);
  });
});

import { once } from 'node:events';
import { request as startRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { anonymous } from '@lakh/links';
import { until } from '@lakh/testkit';
import { ApiServer, type Line, linesOf, url } from './support.js';

let api: ApiServer;
beforeEach(async () => {
  api = await new ApiServer().start();
});
afterEach(() => api.http.drain(0));

const text = (lines: readonly unknown[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
const restart = async (options: Parameters<ApiServer['start']>[0]) => {
  await api.http.drain(0);
  api = await new ApiServer().start(options);
};

/** A request of lines whose body is written bit by bit, on a connection of its own. */
class Stream {
  readonly socket: Socket;
  #received = '';

  constructor(headers = '') {
    this.socket = connect(api.port, '127.0.0.1');
    this.socket.on('error', () => {}).setEncoding('latin1');
    this.socket.on('data', (piece: string) => {
      this.#received += piece;
    });
    const head = `POST /api/v1/urls:batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n${headers}`;
    this.socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
  }

  send(piece: string): boolean {
    return this.socket.write(`${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`);
  }

  finish(): void {
    this.socket.write('0\r\n\r\n');
  }

  get status(): number | undefined {
    const status = /^HTTP\/1\.1 (\d+)/.exec(this.#received)?.[1];
    return status === undefined ? undefined : Number(status);
  }

  /** Whole lines of the answer so far, the framing of its chunks left out. */
  get lines(): readonly Line[] {
    const body = this.#received.split('\r\n\r\n').slice(1).join('\r\n\r\n');
    let [text, rest] = ['', body];
    for (;;) {
      const [, size = ''] = /^([0-9a-f]+)\r\n/.exec(rest) ?? [];
      const length = Number.parseInt(size, 16);
      if (!(length > 0) || rest.length < size.length + 2 + length) break;
      text += rest.slice(size.length + 2, size.length + 2 + length);
      rest = rest.slice(size.length + 4 + length);
    }
    return linesOf(text);
  }

  async ended(): Promise<readonly Line[]> {
    await until(() => this.lines.at(-1)?.done !== undefined);
    return this.lines;
  }
}

test('a result a line, in the order of the lines; what is wrong with one is its own', async () => {
  const body = `${JSON.stringify(url(1))}\r\n\n{nonsense\n${JSON.stringify({ long_url: 1 })}\n"${'x'.repeat(20_000)}"\n${JSON.stringify(url(2))}`;
  const got = await api.lines(body);
  expect(got).toMatchObject([
    { line: 1, status: 201, etag: '"1"', link: { long_url: 'https://example.com/1' } },
    { line: 3, status: 400, problem: { code: 'malformed_json' } },
    { line: 4, status: 422, problem: { code: 'invalid_request' } },
    { line: 5, status: 413, problem: { code: 'payload_too_large' } },
    { line: 6, status: 201, link: { long_url: 'https://example.com/2' } },
    { done: true, lines: 6, succeeded: 2, failed: 3 },
  ]);
  expect(await api.lines('')).toEqual([{ done: true, lines: 0, succeeded: 0, failed: 0 }]);
});

test('bytes that are no UTF-8 and a byte order mark are met as in a body of one link', async () => {
  const stream = new Stream();
  const bad = Buffer.from('"\u00ff"\n', 'latin1');
  stream.send(`\ufeff${JSON.stringify(url(1))}\n`);
  stream.socket.write(Buffer.concat([Buffer.from(`${bad.length.toString(16)}\r\n`), bad, Buffer.from('\r\n')]));
  stream.finish();
  expect(await stream.ended()).toMatchObject([{ status: 201 }, { line: 2, problem: { code: 'malformed_json' } }, {}]);
  stream.socket.destroy();
});

test('results come while lines still do, and lines may be cut anywhere', async () => {
  const stream = new Stream();
  for (let count = 1; count <= 3; count += 1) {
    const line = text([url(count)]);
    stream.send(line.slice(0, 7));
    stream.send(line.slice(7));
    await until(() => stream.lines.length === count);
    expect(stream.lines.at(-1)).toMatchObject({ line: count, status: 201 });
  }
  stream.finish();
  expect(await stream.ended()).toMatchObject([{}, {}, {}, { done: true, lines: 3, succeeded: 3 }]);
  stream.socket.destroy();
});

test('an order that the store does not keep is kept', async () => {
  const waiting: (() => void)[] = [];
  api.store.gate = () => new Promise<void>((resolve) => waiting.push(resolve));
  const answered = api.lines(text([url(1), url(2), url(3)]));
  await until(() => waiting.length === 3);
  for (const goOn of waiting.reverse()) goOn();
  expect((await answered).map(({ line }) => line)).toEqual([1, 2, 3, undefined]);
});

test('deletes in lines', async () => {
  await api.create([{ ...url(1), alias: 'one' }]);
  expect(await api.lines(text([{ code: 'one' }, { code: 'none' }]), {}, 'batchDelete')).toMatchObject([
    { line: 1, status: 204, code: 'one' },
    { line: 2, status: 404 },
    { done: true, succeeded: 1, failed: 1 },
  ]);
});

describe('keys', () => {
  test('one for all lines is refused, before any is read', async () => {
    const got = await api.send('batch', '{}', { 'content-type': 'application/x-ndjson', 'idempotency-key': 'x' });
    expect([got.status, got.body.code]).toEqual([400, 'bad_request']);
    expect(got.body.detail).toContain('"idempotency_key"');
  });

  test('each line may have its own: sent again it is the same link, also by itself', async () => {
    const lines = [
      { ...url(1), idempotency_key: 'one' },
      { ...url(2), idempotency_key: null },
      { ...url(3), idempotency_key: '' },
    ];
    const first = await api.lines(text(lines));
    expect(first).toMatchObject([
      { status: 201 },
      { status: 201 },
      { status: 422, problem: { errors: [{ field: 'idempotency_key', rule: 'not_a_key' }] } },
      {},
    ]);
    const again = await api.lines(text(lines));
    expect(again[0]).toEqual({ ...first[0], replayed: true });
    expect(again[1]?.link?.code).not.toBe(first[1]?.link?.code);
    const single = await fetch(`http://127.0.0.1:${api.port}/api/v1/urls`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': '"one"' },
      body: JSON.stringify(url(1)),
    });
    expect((await single.json()).code).toBe(first[0]?.link?.code);
  });
});

describe('what is bounded', () => {
  test('who reads no results is not read either, and nothing is lost once he does', async () => {
    const LINES = 100_000;
    const request = startRequest({
      ...{ port: api.port, host: '127.0.0.1', method: 'POST', path: '/api/v1/urls:batch' },
      headers: { 'content-type': 'application/x-ndjson' },
    });
    const response = new Promise<import('node:http').IncomingMessage>((resolve) => request.once('response', resolve));
    let sent = 0;
    const sending = (async () => {
      for (; sent < LINES; sent += 500) {
        const piece = text(Array.from({ length: 500 }, (_, i) => url(sent + i)));
        if (!request.write(piece)) await once(request, 'drain');
      }
      request.end();
    })();
    const answer = await response;
    // Paused: what was taken stands still, long before the end, when the windows of both sides are full.
    let taken = -1;
    while (taken !== api.store.size) {
      taken = api.store.size;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(taken).toBeLessThan(LINES);
    expect(sent).toBeLessThan(LINES);
    let [got, next, last] = ['', 1, {} as Line];
    for await (const piece of answer.setEncoding('utf8')) {
      const lines = (got + piece).split('\n');
      got = lines.pop() as string;
      for (const line of lines) {
        last = JSON.parse(line);
        if (last.done === undefined && last.line === next) next += 1;
      }
    }
    await sending;
    expect(next).toBe(LINES + 1);
    expect(last).toEqual({ done: true, lines: LINES, succeeded: LINES, failed: 0 });
    expect(api.store.size).toBe(LINES);
  }, 30_000);

  test('so many lines are under way at once, and no more', async () => {
    const waiting: (() => void)[] = [];
    api.store.gate = () => new Promise<void>((resolve) => waiting.push(resolve));
    const answered = api.lines(text(Array.from({ length: 1500 }, (_, i) => url(i))));
    await until(() => waiting.length === 1000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(waiting).toHaveLength(1000);
    api.store.gate = undefined;
    for (const goOn of waiting) goOn();
    expect((await answered).at(-1)).toMatchObject({ done: true, succeeded: 1500 });
  });

  test('a used-up allowance ends the answer, and says from which line to go on, and when', async () => {
    await restart({ perMin: 3 });
    const got = await api.lines(text([1, 2, 3, 4, 5].map(url)));
    expect(got).toMatchObject([
      { line: 1, status: 201 },
      { line: 2, status: 201 },
      { line: 3, status: 201 },
      { done: false, lines: 3, succeeded: 3, failed: 0, status: 429, problem: { code: 'rate_limited' } },
    ]);
    expect(got.at(-1)?.retry_after_s).toBeGreaterThan(0);
  });

  test('a line that never ends costs its length and no memory', async () => {
    const stream = new Stream();
    const piece = 'x'.repeat(64 * 1024);
    for (let count = 0; count < 200; count += 1) if (!stream.send(piece)) await once(stream.socket, 'drain');
    stream.send(`\n${text([url(1)])}`);
    stream.finish();
    expect(await stream.ended()).toMatchObject([{ line: 1, status: 413 }, { line: 2, status: 201 }, { done: true }]);
    stream.socket.destroy();
  });
});

describe('time', () => {
  const limits = { headersTimeoutMs: 100, requestTimeoutMs: 150, stallTimeoutMs: 300 };

  test('a stream that goes on outlasts the limit of a request; one that stands still is ended, and told where', async () => {
    await restart({ limits });
    const [lively, idle] = [new Stream(), new Stream()];
    idle.send(text([url('idle')]));
    const beganMs = performance.now();
    let count = 0;
    while (performance.now() - beganMs < 1500) {
      count += 1;
      lively.send(text([url(count)]));
      await until(() => lively.lines.length === count);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await idle.ended()).toMatchObject([
      { line: 1, status: 201 },
      { done: false, lines: 1, succeeded: 1, status: 408, problem: { code: 'request_timeout' } },
    ]);
    lively.finish();
    expect((await lively.ended()).at(-1)).toMatchObject({ done: true, lines: count });
    lively.socket.destroy();
    await until(() => idle.socket.destroyed);
  });

  test('a token that is revoked ends the stream that it began', async () => {
    let isRevoked = false;
    await restart({ identify: () => (isRevoked ? undefined : anonymous(['create'])) });
    const stream = new Stream();
    let count = 0;
    while (stream.lines.at(-1)?.done === undefined) {
      count += 1;
      stream.send(text([url(count)]));
      await until(() => stream.lines.length >= count);
      isRevoked = true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(stream.lines.at(-1)).toMatchObject({ done: false, lines: count - 1, status: 401 });
    expect(api.store.size).toBe(count - 1);
    stream.socket.destroy();
  });

  test('where connections run out, a stream that waits for its client gives way, and one that goes on does not', async () => {
    await restart({ limits: { maxConnections: 4, maxConnectionsPerClient: 4 } });
    const [lively, idle] = [new Stream(), new Stream()];
    idle.send(text([url('idle')]));
    let count = 0;
    let isOver = false;
    const going = (async () => {
      while (!isOver) {
        count += 1;
        lively.send(text([url(count)]));
        await until(() => lively.lines.length === count);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    const others: Socket[] = [];
    while (!idle.socket.destroyed) {
      others.push(connect(api.port, '127.0.0.1').on('error', () => {}));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    isOver = true;
    await going;
    lively.finish();
    expect((await lively.ended()).at(-1)).toMatchObject({ done: true, lines: count });
    for (const each of [lively.socket, ...others]) each.destroy();
  });

  test('who takes nothing of the results is cut off', async () => {
    await restart({ limits });
    const socket = connect(api.port, '127.0.0.1').on('error', () => {});
    socket.write(
      'POST /api/v1/urls:batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    socket.pause();
    const piece = text(Array.from({ length: 500 }, (_, i) => url(i)));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const pump = () => {
      while (!socket.destroyed && socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`));
    };
    socket.on('drain', pump);
    pump();
    await closed;
    await until(() => api.http.inFlight === 0);
  });

  test('a drain answers what was read, and says where to go on', async () => {
    const stream = new Stream();
    stream.send(text([url(1), url(2)]));
    await until(() => stream.lines.length === 2);
    const waiting: (() => void)[] = [];
    api.store.gate = () => new Promise<void>((resolve) => waiting.push(resolve));
    stream.send(text([url(3)]));
    await until(() => waiting.length === 1);
    const drained = api.http.drain(5000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    stream.send(text([url(4)]));
    api.store.gate = undefined;
    waiting[0]?.();
    expect((await stream.ended()).slice(2)).toMatchObject([
      { line: 3, status: 201 },
      { done: false, lines: 3, succeeded: 3, failed: 0, status: 503, problem: { code: 'stopping' }, retry_after_s: 1 },
    ]);
    expect(await drained).toEqual({ cut: 0 });
    expect(api.store.size).toBe(3);
  });

  test('who leaves is read no further, and holds no place', async () => {
    const stream = new Stream();
    stream.send(text([url(1)]));
    await until(() => stream.lines.length === 1);
    stream.socket.destroy();
    await until(() => api.http.inFlight === 0);
    expect(api.errors).toEqual([]);
  });
});

describe('a client that reads only when it has sent everything', () => {
  test('says so, and is answered then', async () => {
    const stream = new Stream('Prefer: answer-after-body\r\n');
    stream.send(text([url(1), url(2)]));
    await until(() => api.store.size === 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(stream.status).toBeUndefined();
    stream.finish();
    expect(await stream.ended()).toMatchObject([{ line: 1 }, { line: 2 }, { done: true, lines: 2 }]);
    stream.socket.destroy();
  });

  test('so many lines of it are answered', async () => {
    const got = await api.lines(text(Array.from({ length: 10_002 }, (_, i) => url(i))), {
      prefer: 'answer-after-body',
    });
    expect(got).toHaveLength(10_001);
    expect(got.at(-1)).toMatchObject({ done: false, lines: 10_000, status: 413 });
  });
});

test('and so much of what they come to', async () => {
  const long = 'x'.repeat(2000);
  const got = await api.lines(text(Array.from({ length: 6000 }, (_, i) => url(`${i}${long}`))), {
    prefer: 'answer-after-body',
  });
  expect(got.at(-1)).toMatchObject({ done: false, lines: got.length - 1, status: 413 });
  expect(got.length).toBeGreaterThan(3000);
  expect(got.length).toBeLessThan(5500);
});

test('headers that are refused are refused before anything is read', async () => {
  expect(
    (await api.send('batch', '{}', { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' })).status,
  ).toBe(415);
  expect((await api.send('batch', '{}', { 'content-type': 'application/x-ndjson; charset=latin1' })).status).toBe(415);
  await restart({ identify: () => anonymous(['read']) });
  expect((await api.send('batch', '{}', { 'content-type': 'application/x-ndjson' })).status).toBe(403);
});

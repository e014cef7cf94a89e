import type { IncomingMessage } from 'node:http';
import { createClientKeys, createRequestContexts } from '../src/index.js';

const request = (remoteAddress: string | undefined, headers: Record<string, string> = {}): IncomingMessage =>
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;
const generated = /^[0-9a-f-]{36}$/;

describe('the client’s address', () => {
  const contextOf = createRequestContexts(['127.0.0.0/8', '10.0.0.0/8', '::1/128']);

  test.each([
    ['127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['::ffff:127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['::1', '2001:db8::7', '2001:db8::7'],
    ['127.0.0.1', '6.6.6.6, 203.0.113.7, 10.1.2.3', '203.0.113.7'],
    ['127.0.0.1', '203.0.113.7:4711', '203.0.113.7'],
    ['127.0.0.1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['127.0.0.1', '::ffff:203.0.113.7', '203.0.113.7'],
    ['127.0.0.1', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['127.0.0.1', '', '127.0.0.1'],
    ['127.0.0.1', 'unknown', '127.0.0.1'],
    ['127.0.0.1', '203.0.113.7, unknown, 10.0.0.2', '10.0.0.2'],
    ['192.0.2.9', '203.0.113.7', '192.0.2.9'],
  ])('from %s with X-Forwarded-For "%s" it is %s', (peer, forwarded, client) => {
    expect(contextOf(request(peer, { 'x-forwarded-for': forwarded })).clientAddress).toBe(client);
  });

  test.each(['10.0.0.0/8', '::ffff:10.0.0.0/104'])(
    'a proxy in %s is known in each spelling of its address',
    (block) => {
      const of = createRequestContexts([block]);
      for (const peer of ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203']) {
        expect(of(request(peer, { 'x-forwarded-for': '203.0.113.7' })).clientAddress).toBe('203.0.113.7');
      }
      expect(of(request('::ffff:11.1.2.3', { 'x-forwarded-for': '203.0.113.7' })).clientAddress).toBe('11.1.2.3');
    },
  );

  test('without trusted proxies nobody’s header counts', () => {
    const { clientAddress, requestId } = createRequestContexts()(
      request('127.0.0.1', { 'x-forwarded-for': '203.0.113.7', 'x-request-id': 'chosen-by-client' }),
    );
    expect(clientAddress).toBe('127.0.0.1');
    expect(requestId).toMatch(generated);
  });

  test('a connection that is gone has none', () => {
    expect(contextOf(request(undefined)).clientAddress).toBe('');
  });
});

describe('the request’s id', () => {
  const contextOf = createRequestContexts(['127.0.0.1/32']);

  test('is the trusted proxy’s', () => {
    expect(contextOf(request('127.0.0.1', { 'x-request-id': 'abcDEF-0123' })).requestId).toBe('abcDEF-0123');
  });

  test.each(['short', 'x'.repeat(65), 'with space1', 'line\nbreak-1', 'quote"quote"'])(
    'is generated in place of %j',
    (given) => {
      expect(contextOf(request('127.0.0.1', { 'x-request-id': given })).requestId).toMatch(generated);
    },
  );

  test('is generated for anybody else', () => {
    expect(contextOf(request('192.0.2.1', { 'x-request-id': 'abcDEF-0123' })).requestId).toMatch(generated);
  });
});

describe('by what a client is counted', () => {
  const keyOf = createClientKeys(['127.0.0.0/8', '2001:db8:f::/48']);

  test.each([
    ['127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['::ffff:127.0.0.1', '::ffff:203.0.113.7', '203.0.113.7'],
    ['127.0.0.1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:f::1', '2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['127.0.0.1', '6.6.6.6, 203.0.113.7, 127.0.0.2', '203.0.113.7'],
    ['203.0.113.9', '203.0.113.7', '203.0.113.9'],
    ['2001:db8:1:2:ffff::1', '', '2001:db8:1:2::/64'],
    ['127.0.0.1', `${'x'.repeat(5000)}, 203.0.113.7`, '203.0.113.7'],
  ])('from %s with X-Forwarded-For "%s" it is %s, the second time too', (peer, forwarded, key) => {
    const asked = request(peer, forwarded === '' ? {} : { 'x-forwarded-for': forwarded });
    expect([keyOf(asked), keyOf(asked)]).toEqual([key, key]);
  });

  test('without trusted proxies it is the peer, and nobody when that is gone', () => {
    const keyOfPeer = createClientKeys();
    expect(keyOfPeer(request('192.0.2.1', { 'x-forwarded-for': '203.0.113.7' }))).toBe('192.0.2.1');
    expect(keyOfPeer(request(undefined))).toBe('');
  });
});

import { recognise, valuesOf } from '../../src/wire/recogniser.js';

const HOST = 'Host: x';

function request(line: string, ...fields: readonly string[]): Buffer {
  return Buffer.from(`${[line, ...fields].join('\r\n')}\r\n\r\n`, 'latin1');
}

const get = (...fields: readonly string[]) => request('GET /abc HTTP/1.1', ...fields);

describe('what is recognised', () => {
  test.each(['GET', 'HEAD'] as const)('a %s', (method) => {
    expect(recognise(request(`${method} /Zz9_-a HTTP/1.1`, HOST))).toEqual({
      method,
      path: '/Zz9_-a',
      query: '',
      host: 'x',
      cookie: undefined,
      fields: 'Host: x\r\n\r\n',
    });
  });

  test.each([
    ['name in capitals', 'HOST: x'],
    ['name in small letters', 'host: x'],
    ['no space behind the colon', 'Host:x'],
    ['spaces and tabs around the value', 'Host: \t x \t'],
  ])('a Host with %s', (_what, field) => {
    expect(recognise(get(field))?.host).toBe('x');
  });

  test.each(['lakh.example', 'a_b-c.example:8080', '127.0.0.1:80', '[::1]:8080'])('the host %s', (host) => {
    expect(recognise(get(`Host: ${host}`))?.host).toBe(host);
  });

  test.each([
    ['every visible character in a value', `X: ${visible()}`],
    ['every character of a token in a name', "!#$%&'*+-.^_`|~09AZaz: x"],
    ['an empty value', 'X:'],
    ['a value of white space', 'X: \t '],
    ['Connection: keep-alive', 'Connection: keep-alive'],
    ['the same in another spelling', 'CONNECTION:  Keep-Alive '],
    ['Keep-Alive, which is no word of ours', 'Keep-Alive: timeout=5'],
    ['names of the same length as those that matter', 'User-Agent: x'],
  ])('%s', (_what, field) => {
    expect(recognise(get(field, HOST))).toBeDefined();
    expect(recognise(get(HOST, field))).toBeDefined();
  });

  test('cookies, joined as node:http joins them', () => {
    expect(recognise(get('Cookie: a=1; b=2', HOST, 'cookie:c=3 '))?.cookie).toBe('a=1; b=2; c=3');
    expect(recognise(get('Cookie: ', HOST))?.cookie).toBe('');
  });
});

test.each(['?', '?x=1&y=%2F%zz;z', "?0AZaz-._~!$&'()*+,;=:@/?%", '?/a/../b??'])('the query %s, as it came', (query) => {
  expect(recognise(request(`GET /abc${query} HTTP/1.1`, HOST))).toEqual({ ...recognise(get(HOST)), query });
});

describe('what is not', () => {
  test.each(['POST', 'get', 'GETS', 'OPTIONS', 'CONNECT', ' GET', '\r\nGET'])('the method %j', (method) => {
    expect(recognise(request(`${method} /abc HTTP/1.1`, HOST))).toBeUndefined();
  });

  test.each([
    '/',
    '/a/b',
    '/abc/',
    '/?x=1',
    '?x=1',
    '/abc?x=1#y',
    '/abc?x y',
    '/abc?x="y"',
    '/abc?x=[y]',
    '/abc?x|y',
    '/abc?ä',
    '/abc?x\ty',
    '/abc/?x=1',
    '/abc#x',
    '/a%62c',
    '/abc.',
    '//abc',
    '/ä',
    '/ abc',
    '/abc ',
    '/abc\t',
    'abc',
    '*',
    'http://x/abc',
  ])('the target %j', (target) => {
    expect(recognise(request(`GET ${target} HTTP/1.1`, HOST))).toBeUndefined();
  });

  test.each(['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', ' HTTP/1.1', 'HTTP/1.1x', ''])(
    'the version %j',
    (version) => {
      expect(recognise(request(`GET /abc ${version}`, HOST))).toBeUndefined();
    },
  );

  test.each([
    ['no Host', 'X: y'],
    ['two', 'Host: x\r\nhost: x'],
    ['an empty one', 'Host:'],
    ['one of white space', 'Host: \t'],
    ['one with a path', 'Host: x/y'],
    ['one with a name before it', 'Host: a@x'],
    ['one with a comma', 'Host: x,y'],
    ['one with a space inside', 'Host: x y'],
    ['one with an escape', 'Host: %78'],
  ])('%s', (_what, fields) => {
    expect(recognise(get(fields))).toBeUndefined();
  });

  test.each([
    'Content-Length: 0',
    'content-length: 5',
    'Transfer-Encoding: chunked',
    'TRANSFER-ENCODING: identity',
    'Expect: 100-continue',
    'Upgrade: h2c',
    'Trailer: X',
    'TE: trailers',
    'Connection: close',
    'Connection: upgrade',
    'Connection: keep-alive, close',
    'Connection:',
    'Proxy-Connection: close',
    'Proxy-Connection: keep-alive',
  ])('%s', (field) => {
    expect(recognise(get(field, HOST))).toBeUndefined();
    expect(recognise(get(HOST, field))).toBeUndefined();
  });

  test.each([
    ['a name with a space before its colon', 'X : y'],
    ['a name with a space inside', 'X Y: z'],
    ['a name that is no token', 'X(Y): z'],
    ['a name of another alphabet', 'Ä: x'],
    ['no name', ': x'],
    ['no colon', 'X'],
    ['a folded line', 'X: y\r\n z'],
    ['a folded line with a tab', 'X: y\r\n\tz'],
    ['a first line that looks folded', ' X: y'],
    ['a carriage return alone', 'X: y\rZ: a'],
    ['a line feed alone', 'X: y\nZ: a'],
    ['a carriage return too many', 'X: y\r\r'],
    ['a zero', 'X: \0'],
    ['a delete', 'X: \x7f'],
    ['another control character', 'X: \x1b'],
    ['a byte beyond ASCII', 'X: ä'],
  ])('%s', (_what, field) => {
    expect(recognise(get(field, HOST))).toBeUndefined();
    expect(recognise(get(HOST, field))).toBeUndefined();
  });

  test.each([
    ['no field', 'GET /abc HTTP/1.1\r\n\r\n'],
    ['line feeds alone', 'GET /abc HTTP/1.1\nHost: x\n\n'],
    ['a line feed alone at the end', 'GET /abc HTTP/1.1\r\nHost: x\r\n\n'],
    ['a carriage return alone at the end', 'GET /abc HTTP/1.1\r\nHost: x\r\n\r'],
    ['a body', 'GET /abc HTTP/1.1\r\nHost: x\r\n\r\nbody'],
    ['a body that ends as a request does', 'GET /abc HTTP/1.1\r\nHost: x\r\n\r\nbody\r\n\r\n'],
    ['an empty line too many', 'GET /abc HTTP/1.1\r\nHost: x\r\n\r\n\r\n'],
    ['two requests', 'GET /abc HTTP/1.1\r\nHost: x\r\n\r\nGET /abc HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['nothing', ''],
    ['an empty line', '\r\n'],
    ['HTTP/0.9', 'GET /abc\r\n\r\n'],
  ])('%s', (_what, text) => {
    expect(recognise(Buffer.from(text, 'latin1'))).toBeUndefined();
  });

  test('any part of a request', () => {
    const whole = get(HOST, 'Connection: keep-alive', 'Cookie: a=1');
    expect(recognise(whole)).toBeDefined();
    for (let length = 0; length < whole.length; length += 1) {
      expect(recognise(whole.subarray(0, length))).toBeUndefined();
      if (length > 0) expect(recognise(whole.subarray(length))).toBeUndefined();
    }
  });
});

test('what stands behind a chunk in its buffer is none of it', () => {
  const whole = get(HOST, 'Cookie: a=1');
  for (const rest of ['', '\r\n', 'X: y\r\n\r\n', get(HOST).toString('latin1'), 'x'.repeat(9)]) {
    const bytes = Buffer.concat([whole, Buffer.from(rest, 'latin1')]);
    expect(recognise(bytes, undefined, whole.length)).toEqual(recognise(whole));
    for (let length = 0; length < whole.length; length += 1) {
      expect(recognise(bytes, undefined, length)).toBeUndefined();
      expect(recognise(bytes, recognise(whole), length)).toBeUndefined();
    }
  }
});

describe('beside a request that came before it', () => {
  const known = recognise(get('Host: x', 'Cookie: a=1', 'Connection: keep-alive'));

  test('equal fields are not read again, and mean the same', () => {
    const next = recognise(request('HEAD /other HTTP/1.1', 'Host: x', 'Cookie: a=1', 'Connection: keep-alive'), known);
    expect(next).toEqual({ ...known, method: 'HEAD', path: '/other' });
    expect(next?.fields).toBe(known?.fields);
  });

  test('every field that differs is read', () => {
    expect(recognise(get('Host: x', 'Cookie: a=2', 'Connection: keep-alive'), known)?.cookie).toBe('a=2');
    expect(recognise(get('Host: y', 'Cookie: a=1', 'Connection: keep-alive'), known)?.host).toBe('y');
    expect(recognise(get('Host: x', 'Cookie: a=1', 'Connection: keep-aliv3'), known)).toBeUndefined();
    expect(
      recognise(request('POST /abc HTTP/1.1', 'Host: x', 'Cookie: a=1', 'Connection: keep-alive'), known),
    ).toBeUndefined();
    expect(
      recognise(request('GET /a/b HTTP/1.1', 'Host: x', 'Cookie: a=1', 'Connection: keep-alive'), known),
    ).toBeUndefined();
  });
});

test('values of a field are found wherever it stands, and joined', () => {
  const fields = recognise(get('Accept: a', HOST, 'X-Accept: b', 'ACCEPT:\tc', 'Accept-Language: d'))?.fields as string;
  expect(valuesOf(fields, 'accept')).toBe('a, c');
  expect(valuesOf(fields, 'accept-language')).toBe('d');
  expect(valuesOf(fields, 'host')).toBe('x');
  expect(valuesOf(fields, 'x')).toBeUndefined();
});

function visible(): string {
  return Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i)).join('');
}

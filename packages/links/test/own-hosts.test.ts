import { array, assert, constantFrom, integer, oneof, property, stringMatching, tuple } from 'fast-check';
import { leadsToHost, OwnHosts } from '../src/index.js';

function hasOf(...own: string[]): (target: string) => boolean {
  const ownHosts = new OwnHosts(own);
  return (target) => ownHosts.has(new URL(target));
}

/** Hosts in all sorts of spellings, many of them plain. */
const label = stringMatching(/^(?:[a-z0-9-]{1,4}|[A-Z]\w?|xn--\w{1,3}|\d{1,3}|0[x0-7]\d?)$/);
const spelling = oneof(
  array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.')),
  tuple(...Array.from({ length: 4 }, () => integer({ min: 0, max: 260 }))).map((octets) => octets.join('.')),
  constantFrom('127.1', '0', '[::1]', 'localhost', 'a.localhost.', 'lakh.example', '1.2.3.4.e5', '1.2.3'),
);
const port = oneof(
  constantFrom('', ':80', ':443', ':0080', ':8080', ':'),
  integer({ min: 0, max: 65_535 }).map((n) => `:${n}`),
);
const text = tuple(constantFrom('http', 'https'), spelling, port, constantFrom('/', '/x', '?q', '#f', '')).map(
  ([scheme, host, at, rest]) => `${scheme}://${host}${at}${rest}`,
);

test('a URL as text is the same place as the URL that a parser makes of it', () => {
  assert(
    property(text.filter(URL.canParse), text.filter(URL.canParse), (own, target) => {
      for (const ofWhom of [own, target]) {
        const ownHosts = new OwnHosts([ofWhom]);
        expect(ownHosts.has(target)).toBe(ownHosts.has(new URL(target)));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('so is a Host beside a parsed one, and what no parser takes is none', () => {
  assert(
    property(text.filter(URL.canParse), spelling, port, (target, host, at) => {
      const { protocol, href } = new URL(target);
      const own = `${protocol}//${host}${at}`;
      const isSame = URL.canParse(own) && leadsToHost(new URL(href).href, new URL(own).host);
      expect(leadsToHost(target, `${host}${at}`)).toBe(isSame);
    }),
    { numRuns: 2_000 },
  );
});

describe('own hosts', () => {
  test.each([
    'https://lakh.example/x',
    'http://lakh.example/x',
    'https://LAKH.Example/x',
    'https://lakh.example:8443/x',
    'http://lakh.example:80/x',
    'https://lakh.example./x',
    'https://lakh.example../x',
    'https://l%61kh%2Eexample/x',
    'https://ｌａｋｈ．ｅｘａｍｐｌｅ/x',
    'https://lakh。example/x',
    'https://la\u00adkh.example/x',
    'https:\\\\lakh.example\\x',
  ])('%s is https://lakh.example', (target) => expect(hasOf('https://lakh.example')(target)).toBe(true));

  test.each([
    'https://example/',
    'https://lakh.example.org/',
    'https://www.lakh.example/',
    'https://notlakh.example/',
    'https://other.example/?u=https://lakh.example/',
    'https://other.example/lakh.example',
  ])('%s is not https://lakh.example', (target) => expect(hasOf('https://lakh.example')(target)).toBe(false));

  test.each([
    'https://bücher.example/',
    'https://BÜCHER.example:99/',
    'https://xn--bcher-kva.example/',
    'https://XN--BCHER-KVA.EXAMPLE./',
  ])('an internationalised own host in either spelling: %s', (target) => {
    expect(hasOf('https://bücher.example')(target)).toBe(true);
    expect(hasOf('https://xn--bcher-kva.example')(target)).toBe(true);
  });

  test.each([
    'http://203.0.113.7:8080/',
    'http://203.0.113.7.:8080/',
    'http://203.0.28935:8080/',
    'http://0xCB.0x0.0x71.0x07:8080/',
    'http://0313.0.0161.07:8080/',
    'http://3405803783:8080/',
    'http://0xCB007107:8080/',
    'http://２０３.0.113.7:8080/',
    'http://[::ffff:203.0.113.7]:8080/',
    'http://[::FFFF:CB00:7107]:8080/',
    'http://[0:0:0:0:0:ffff:cb00:7107]:8080/',
    'https://203.0.113.7:8080/',
  ])('%s is http://203.0.113.7:8080', (target) => expect(hasOf('http://203.0.113.7:8080')(target)).toBe(true));

  test('an address without a port is on that of its scheme', () => {
    expect(hasOf('https://203.0.113.7')('http://203.0.113.7:443/')).toBe(true);
    expect(hasOf('http://203.0.113.7')('https://203.0.113.7:80/')).toBe(true);
    expect(hasOf('http://203.0.113.7')('http://203.0.113.7:443/')).toBe(false);
    expect(hasOf('https://203.0.113.7')('http://203.0.113.7/')).toBe(false);
  });

  test.each(['1.2.3.4.example', '1.2.3.4.e5', 'a.b.c.d'])('%s is a name, not an address: any port', (name) => {
    expect(hasOf(`http://${name}`)(`http://${name}:8080/`)).toBe(true);
  });

  test('of an address every number counts, in whatever form it is written', () => {
    const has = hasOf('http://198.51.100.1:8080', 'http://10.11.12.130:8080');
    expect(has('http://[::ffff:198.51.100.1]:8080/')).toBe(true);
    expect(has('http://[::ffff:10.11.12.130]:8080/')).toBe(true);
    for (const other of ['[::ffff:199.51.100.1]', '[::ffff:198.50.100.1]', '[::ffff:198.51.101.1]', '198.51.100.2']) {
      expect(has(`http://${other}:8080/`)).toBe(false);
    }
    // A small number leaves leading zeros out.
    expect(hasOf('http://0.1.0.2')('http://[::ffff:0.1.0.2]/')).toBe(true);
    expect(hasOf('http://10.11.12.130')('http://10.11.12.130:8080/')).toBe(false);
  });

  test('an address on another port is somebody else', () => {
    const has = hasOf('http://203.0.113.7', 'http://[2001:db8::7]:8080');
    expect(has('http://203.0.113.7/')).toBe(true);
    expect(has('http://203.0.113.7:80/')).toBe(true);
    expect(has('https://203.0.113.7/')).toBe(false);
    expect(has('http://203.0.113.7:8080/')).toBe(false);
    expect(has('http://203.0.113.8/')).toBe(false);
    expect(has('http://[2001:DB8:0::0007]:8080/')).toBe(true);
    expect(has('http://[2001:db8::7]/')).toBe(false);
    expect(has('http://[2001:db8::8]:8080/')).toBe(false);
  });

  test.each(['http://localhost:8080', 'http://127.0.0.1:8080', 'http://[::1]:8080', 'http://0.0.0.0:8080'])(
    'all names and addresses of the loopback are one host, on the port of %s only',
    (own) => {
      const has = hasOf(own);
      for (const host of [
        'localhost',
        'LOCALHOST.',
        'lakh.localhost',
        '127.0.0.1',
        '127.1',
        '127.9.9.9',
        '0x7f000001',
        '0',
      ]) {
        expect(has(`http://${host}:8080/`)).toBe(true);
        expect(has(`http://${host}:9090/`)).toBe(false);
      }
      for (const host of ['[::1]', '[::]', '[::ffff:127.0.0.1]', '[0:0:0:0:0:0:0:1]']) {
        expect(has(`http://${host}:8080/`)).toBe(true);
      }
      expect(has('http://notlocalhost:8080/')).toBe(false);
      expect(has('http://128.0.0.1:8080/')).toBe(false);
    },
  );

  test('what others call the machine is ours on the ports that its addresses are ours on, and no others', () => {
    const ownHosts = new OwnHosts(['https://lakh.example', 'http://0.0.0.0:8080'], 'Box.Example.');
    const has = (target: string): boolean => ownHosts.has(new URL(target));
    expect(has('http://box.example:8080/x')).toBe(true);
    expect(has('https://BOX.example.:8080/x')).toBe(true);
    expect(has('http://127.0.0.1:8080/x')).toBe(true);
    expect(has('http://lakh.example:99/x')).toBe(true);
    for (const other of ['http://box.example/', 'https://box.example/', 'http://other.example:8080/']) {
      expect(has(other)).toBe(false);
    }
  });

  test.each(['', 'a b'])('a machine without a name that could be a host (%j) has none', (name) => {
    const ownHosts = new OwnHosts(['http://127.0.0.1:8080'], name);
    expect(ownHosts.has(new URL('http://127.0.0.1:8080/'))).toBe(true);
    expect(ownHosts.has(new URL('http://undefined:8080/'))).toBe(false);
    expect(ownHosts.has(new URL('http://b:8080/'))).toBe(false);
  });

  test('dots at the end of a name are undone, however many, and no others', () => {
    expect(hasOf('https://lakh.example')('https://lakh.example..../')).toBe(true);
    expect(hasOf('https://lakh.example')('https://lakh..example/')).toBe(false);
    expect(hasOf('https://.')('https://lakh.example/')).toBe(false);
  });
});

describe('a URL and the host of a request', () => {
  test.each([
    ['http://lakh.example/x', 'lakh.example'],
    ['https://lakh.example/x', 'lakh.example'],
    ['https://lakh.example:443/x', 'LAKH.example.'],
    ['http://lakh.example/x', 'lakh.example:80'],
    ['https://lakh.example:8443/x', 'lakh.example:8443'],
    ['http://localhost:8080/x', '127.0.0.1:8080'],
    ['http://[::1]:8080/x', 'localhost:8080'],
    ['http://[::ffff:203.0.113.7]/x', '203.0.113.7'],
    ['http://xn--bcher-kva.example/x', 'bücher.example'],
  ])('%s leads back to who asks for %s', (target, host) => expect(leadsToHost(target, host)).toBe(true));

  test.each([
    ['http://lakh.example/x', 'lakh.example:8080'],
    ['http://lakh.example:3000/x', 'lakh.example'],
    ['http://www.lakh.example/x', 'lakh.example'],
    ['http://127.0.0.1:8080/x', '127.0.0.1:8081'],
    ['http://203.0.113.7/x', '203.0.113.8'],
    ['http://lakh.example/x', ''],
    ['http://lakh.example/x', 'a b'],
    ['http://lakh.example/x', 'lakh.example:x'],
  ])('%s does not lead to %j', (target, host) => expect(leadsToHost(target, host)).toBe(false));
});

import { createTexts, latin1 } from './fuzz-texts.js';
import type { Random } from './random.js';

/** A body with the head's lines that say where it ends, mostly wrongly. */
export interface FramedBody {
  readonly lines: readonly string[];
  readonly sent: Buffer;
  /** False: a server that believes the lines waits for more. */
  readonly isWhole: boolean;
}

/** Bodies of creates and of the page's form, and their framing. */
export function createBodies(random: Random) {
  const { pick, below, chance } = random;
  const { bytes, letters } = createTexts(random);

  function jsonBody(): Buffer {
    const url = (): unknown =>
      pick<unknown>([
        'https://example.com/',
        `https://example.com/${letters(10)}`,
        `http://${bytes(8)}/`,
        bytes(20),
        '',
        1,
        null,
        true,
        [],
        {},
        'x'.repeat(3000),
        'http://127.0.0.1/',
        'http://\ud800/',
        'javascript:alert(1)',
        'https://a:b@c/',
        'http://%00/',
        'http://[v1.x]/',
        'http://xn--/',
        `http://${'a.'.repeat(200)}`,
        'https://example.com/\r\nX: y',
      ]);
    const alias = (): unknown =>
      pick<unknown>([letters(6), 'api', bytes(5), '', 0, null, [1], 'x'.repeat(100), '-a-', '\u0000abc', '\u202eabc']);
    const expires = (): unknown =>
      pick<unknown>([
        '2999-01-01T00:00:00Z',
        '2999-13-45T99:99:99Z',
        '0000-01-01T00:00:00Z',
        '9999-12-31T23:59:60+23:59',
        bytes(10),
        1e308,
        null,
        {},
        'now',
        '2999-01-01T00:00:00.123456789123Z',
      ]);
    return pick<() => Buffer>([
      () => Buffer.from(JSON.stringify({ long_url: url() })),
      () => Buffer.from(JSON.stringify({ long_url: url(), alias: alias(), expires_at: expires() })),
      () =>
        Buffer.from(
          JSON.stringify({ long_url: url(), [letters(5)]: url(), ['__proto__']: 1, constructor: { prototype: 1 } }),
        ),
      () =>
        Buffer.from(
          `{"long_url":"https://example.com/","__proto__":{"alias":"x"},"toString":1,"long_url":${below(9)}}`,
        ),
      () => Buffer.from(JSON.stringify({ long_url: `https://example.com/${below(2)}`, alias: `fuzz${below(4)}` })),
      () => latin1(bytes(below(60))),
      () =>
        Buffer.from(
          pick([
            '',
            '{',
            'null',
            '[]',
            '"x"',
            '0',
            '1e999',
            '[[[[[[',
            '{"a":',
            '\ufeff{}',
            '{"long_url":"\\ud800"}',
            '{"long_url":"\\u0000"}',
            'undefined',
          ]),
        ),
      () => Buffer.from(`${'['.repeat(pick([10, 5_000, 16_000]))}`),
      () => Buffer.from(`{"long_url":"https://example.com/${'x'.repeat(pick([2_000, 16_000, 17_000, 60_000]))}"}`),
      () =>
        Buffer.concat([
          Buffer.from('{"long_url":"https://example.com/'),
          latin1(bytes(4).replaceAll('"', '')),
          Buffer.from('"}'),
        ]),
      () => Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field${i}`, i])))),
    ])();
  }

  function formBody(): Buffer {
    const value = (): string =>
      pick([
        encodeURIComponent('https://example.com/'),
        letters(8),
        '%',
        '%zz',
        '%ff%fe',
        '%00',
        '<script>',
        '+',
        bytes(6),
      ]);
    return latin1(
      pick<() => string>([
        () => `long_url=${value()}&alias=${value()}&expires_at=${value()}&token=${value()}`,
        () => `long_url=${value()}`,
        () => 'long_url[]=1&long_url[a][b]=2&__proto__[x]=1',
        () => '&'.repeat(below(200)),
        () => '=&=&=',
        () => Array.from({ length: 40 }, (_, i) => `a${i}=${value()}`).join('&'),
        () => bytes(below(100)),
        () => `long_url=${'x'.repeat(17_000)}`,
      ])(),
    );
  }

  /** Framing of a body, mostly wrong: the lines for the head, and the bytes that follow it. */
  function framed(body: Buffer): FramedBody {
    const length = body.length;
    const chunk = (size: string, data: Buffer = body): Buffer =>
      Buffer.concat([latin1(`${size}\r\n`), data, latin1('\r\n')]);
    const end = latin1('0\r\n\r\n');
    const chunked = 'Transfer-Encoding: chunked';
    const whole = (lines: string[], sent: Buffer) => ({ lines, sent, isWhole: true });
    const part = (lines: string[], sent: Buffer) => ({ lines, sent, isWhole: false });
    const hex = length.toString(16);
    if (chance(0.5)) return whole([`Content-Length: ${length}`], body);
    return pick([
      () => whole([chunked], Buffer.concat([...(length > 0 ? [chunk(hex)] : []), end])),
      () =>
        whole(
          [chunked],
          Buffer.concat([
            ...(length > 0 ? [chunk(`${hex};ext=${letters(5)}`)] : []),
            latin1('0\r\nTrailer: x\r\n\r\n'),
          ]),
        ),
      () => part([`Content-Length: ${length + 1 + below(9)}`], body),
      () => part([`Content-Length: ${pick(['99999999', '16384', '9007199254740993', '184467440737095516160'])}`], body),
      () => whole([`Content-Length: ${Math.max(0, length - 1 - below(9))}`], body),
      () => whole([`Content-Length: ${pick(['-1', '+5', '0x10', '1e3', '5, 5', '5,6', '', ' ', 'abc', '5 5'])}`], body),
      () => whole([`Content-Length: ${length}`, `Content-Length: ${length + pick([0, 1])}`], body),
      () => whole([`Content-Length: ${length}`, chunked], Buffer.concat([chunk(hex), end])),
      () => whole([chunked, 'Transfer-Encoding: identity'], Buffer.concat([chunk(hex), end])),
      () =>
        whole(
          [
            `Transfer-Encoding: ${pick(['gzip', 'gzip, chunked', 'chunked, gzip', 'xchunked', 'Chunked', '\x0bchunked', 'chunked\t'])}`,
          ],
          Buffer.concat([chunk(hex), end]),
        ),
      () => part([chunked], chunk(pick(['zz', '-1', '', 'ffffffffffffffffff', '0x5', '5;']))),
      () => part([chunked], chunk((length + 7).toString(16))),
      () => whole([chunked], Buffer.concat([latin1(`${hex};${'e'.repeat(20_000)}\r\n`), body, latin1('\r\n'), end])),
      () => part([chunked], Buffer.concat([latin1(`${hex}\n`), body, latin1('\n0\n\n')])),
      () => whole([], body),
    ])();
  }

  return { jsonBody, formBody, framed };
}

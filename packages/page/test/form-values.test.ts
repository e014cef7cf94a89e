import { readForm } from '../src/form-values.js';

describe('a form that was sent', () => {
  test('has every field, whatever came: what is no text is nothing', () => {
    for (const body of [undefined, null, 'x', {}, { long_url: ['a', 'b'], alias: 1 }]) {
      expect(readForm(body)).toEqual({
        values: { long_url: '', alias: '', expires_at: '' },
        token: '',
        longUrl: '',
        expiresAt: undefined,
      });
    }
  });

  test.each([
    ['example.com/foo', 'https://example.com/foo'],
    ['example.com:8080', 'https://example.com:8080'],
    ['example.com?x', 'https://example.com?x'],
    ['ftp.example.com', 'https://ftp.example.com'],
    ['http://example.com', 'http://example.com'],
    ['ftp://example.com', 'ftp://example.com'],
    ['example.com:port', 'example.com:port'],
    ['a@example.com', 'a@example.com'],
    ['/example.com', '/example.com'],
    ['nonsense', 'nonsense'],
    ['see example.com', 'see example.com'],
  ])('%j asks for %j, and is shown again as it was typed', (typed, longUrl) => {
    expect(readForm({ long_url: ` ${typed}\r\n` })).toMatchObject({ longUrl, values: { long_url: typed } });
  });

  test('is read in a time that grows with its length and no faster', () => {
    const msOf = (length: number) => {
      const startedMs = performance.now();
      for (let i = 0; i < 20; i += 1) readForm({ long_url: 'a.'.repeat(length), expires_at: '1'.repeat(length) });
      return performance.now() - startedMs;
    };
    msOf(10_000);
    // Sixteen times as much of quadratic work would take 256 times as long.
    expect(msOf(160_000)).toBeLessThan(80 * Math.max(msOf(10_000), 0.5));
  });

  test.each([
    ['2030-01-31T18:00', '+05:30', '2030-01-31T18:00:00+05:30'],
    ['2030-01-31T18:00', '', '2030-01-31T18:00:00Z'],
    ['2030-01-31T18:00:01.5', '-01:00', '2030-01-31T18:00:01.5-01:00'],
    ['2030-01-31T18:00', 'Z; evil', '2030-01-31T18:00:00Z'],
    ['2030-01-31T18:00:00+01:00', '+05:30', '2030-01-31T18:00:00+01:00'],
    ['tomorrow', '+05:30', 'tomorrow'],
  ])('%j with %j is %j', (expires_at, expires_offset, expiresAt) => {
    expect(readForm({ expires_at, expires_offset })).toMatchObject({ expiresAt, values: { expires_at } });
  });
});

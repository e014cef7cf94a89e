import { backoff, CodedError, columns, ownText } from '../src/index.js';

describe('a backoff', () => {
  const longest = backoff({ firstMs: 100, capMs: 1_000, random: () => 1 - Number.EPSILON });
  const shortest = backoff({ firstMs: 100, capMs: 1_000, random: () => 0 });

  test('doubles from the first pause up to the cap', () => {
    expect([1, 2, 3, 4, 5].map(longest).map(Math.round)).toEqual([100, 200, 400, 800, 1_000]);
  });

  test('draws between half of the pause and all of it', () => {
    expect([1, 2, 5].map(shortest)).toEqual([50, 100, 500]);
  });

  test('draws from the whole of it where it is told to', () => {
    const draw = (drawn: number) => backoff({ firstMs: 100, capMs: 1_000, leastPart: 0, random: () => drawn })(2);
    expect([0, 0.25, 0.75].map(draw)).toEqual([0, 50, 150]);
  });

  test('stays finite however often it failed, and takes no failure for the first one', () => {
    expect(Math.round(longest(5_000))).toBe(1_000);
    expect(Math.round(longest(0))).toBe(100);
  });
});

test('an error is named by its class', () => {
  class TeapotError extends CodedError {
    readonly code = 'teapot';
  }
  const error = new TeapotError('short and stout', { cause: 1 });
  expect(error).toBeInstanceOf(Error);
  expect(`${error}`).toBe('TeapotError: short and stout');
  expect(error.cause).toBe(1);
});

test('columns are as wide as their widest cell; a short row, an empty one and none are no trouble', () => {
  expect(
    columns([
      ['a', 'bb', 'c'],
      ['aaa', 'b'],
    ]),
  ).toEqual(['a    bb  c', 'aaa  b']);
  expect(columns([['', 'b'], []])).toEqual(['  b', '']);
  expect(columns([])).toEqual([]);
});

test('a text of its own is the same text', () => {
  for (const text of ['', '/Q0u', 'https://example.org/', '/é\xff', '/ж日本', '\ud800 alone']) {
    expect(ownText(text)).toBe(text);
  }
});

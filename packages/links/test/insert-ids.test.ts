import { createInsertIds } from '../src/index.js';

describe('the ids of inserts', () => {
  test('are the process’s bytes and a count, in upper-case hexadecimal', () => {
    const next = createInsertIds(Uint8Array.of(0, 1, 2, 0xab, 0xcd, 0xef, 254, 255));
    const ids = Array.from({ length: 300 }, next);
    expect(ids[0]).toBe('000102ABCDEFFEFF0000000000000001');
    expect(ids[9]).toBe('000102ABCDEFFEFF000000000000000A');
    expect(ids[299]).toBe('000102ABCDEFFEFF000000000000012C');
    expect(new Set(ids).size).toBe(300);
  });

  test.each([0, 7, 9])('need eight bytes of the process, and not %i', (length) => {
    expect(() => createInsertIds(new Uint8Array(length))).toThrow(new RangeError(`not 8 bytes: ${length}`));
  });
});

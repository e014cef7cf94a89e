import { BUSY_CODES_MOST, type BusyCodes } from '@lakh/links';

/** What every {@link BusyCodes} does. `open`: over nothing kept; several are of one system. */
export function describeBusyCodes(name: string, open: () => Promise<{ codes: BusyCodes; others: BusyCodes }>): void {
  describe(`busy codes: ${name}`, () => {
    test('where nothing was kept nothing is recalled', async () => {
      const { codes } = await open();
      expect(await codes.recall(0)).toEqual([]);
    });

    test('what one keeps another recalls, the busiest first, of that domain alone', async () => {
      const { codes, others } = await open();
      await codes.keep(0, ['Q0u', 'an-alias_1', 'Q0v']);
      expect(await others.recall(0)).toEqual(['Q0u', 'an-alias_1', 'Q0v']);
      expect(await others.recall(1)).toEqual([]);
    });

    test('what is kept later stands before what was, and each code once', async () => {
      const { codes, others } = await open();
      await codes.keep(0, ['a', 'b', 'c']);
      await others.keep(0, ['d', 'b']);
      expect(await codes.recall(0)).toEqual(['d', 'b', 'a', 'c']);
    });

    test('no more than so many are kept, and the last ones go', async () => {
      const { codes } = await open();
      const many = Array.from({ length: BUSY_CODES_MOST + 5 }, (_, i) => `c${i}`);
      await codes.keep(0, ['old']);
      await codes.keep(0, many);
      expect(await codes.recall(0)).toEqual(many.slice(0, BUSY_CODES_MOST));
    });
  });
}

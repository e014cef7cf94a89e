import { SHORT_FAULTS } from '@lakh/nemesis';
import { breakAll } from './support/matrix';

jest.setTimeout(180_000);

test('Redis from a snapshot, refusing writes, cut off from writers alone; the database frozen: nothing lost, wrong or stale beyond the bound', async () => {
  const { rows } = await breakAll(SHORT_FAULTS, 1_127);
  expect(rows.map(({ fault }) => fault)).toEqual(SHORT_FAULTS);
  for (const { tally } of rows) expect(tally.of('redirect').asked).toBeGreaterThan(100);
});

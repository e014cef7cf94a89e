import { VITESS_FAULTS } from '@lakh/nemesis';
import { breakAll } from './support/matrix';

jest.setTimeout(600_000);

test('a tablet, a replica’s or a vtgate lost, and a shard split: nothing lost, wrong or stale beyond the bound', async () => {
  const { rows } = await breakAll(VITESS_FAULTS, 1_127);
  expect(rows.map(({ fault }) => fault)).toEqual(VITESS_FAULTS);
});

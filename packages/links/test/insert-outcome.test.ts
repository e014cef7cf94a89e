import { recordAs, SampleLinks, tombstoneOf } from '@lakh/testkit';
import { insertedNew, insertMet, type NewLink, type StoredLink } from '../src/index.js';

const sample = new SampleLinks();

test('an insert that made its row has made the first version of the link, without its own id', () => {
  for (const link of [sample.generated({ expiresAtMs: 1_800_000_000_000, redirectStatus: 308 }), sample.alias()]) {
    expect(insertedNew(link)).toEqual({ outcome: 'inserted', link: recordAs(link) });
  }
});

describe('an insert whose code has a row', () => {
  const generated = sample.generated();
  const alias = sample.alias();

  test.each<[string, NewLink, StoredLink, string]>([
    [
      'of a generated link that meets a generated one is a duplicate',
      generated,
      recordAs(sample.generated()),
      'duplicate',
    ],
    ['of a generated link that meets an alias is taken', generated, recordAs(alias), 'taken'],
    ['of a generated link that meets a deleted one is taken', generated, tombstoneOf(generated), 'taken'],
    ['of an alias that meets a generated link is taken', alias, recordAs(generated), 'taken'],
    ['of an alias that meets an alias is taken', alias, recordAs(sample.alias()), 'taken'],
    ['of an alias that meets a deleted link is taken', alias, tombstoneOf(alias), 'taken'],
  ])('%s', (_, link, present, outcome) => {
    expect(insertMet(link, present, 'of another insert')).toEqual({ outcome, link: present });
  });

  test('that it made itself has succeeded, whatever became of the link since', () => {
    for (const link of [generated, alias]) {
      for (const present of [recordAs(link), recordAs(link, 7), tombstoneOf(link)]) {
        expect(insertMet(link, present, link.insertId)).toEqual({ outcome: 'inserted', link: present });
      }
    }
  });
});

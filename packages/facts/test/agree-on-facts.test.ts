import type { LedgerHead } from '@lakh/id-range';
import { CODEC_FACT, type Codec, createCodec, parseSealedKeys, recordOfCodec } from '@lakh/short-code';
import { MemoryFactStore } from '@lakh/testkit';
import { agreeOnFacts } from '../src/index.js';

const HEX = { A: '2b7e151628aed2a6abf7158809cf4f3c', B: 'ef4359d8d580aa4f7f036d6f04fc6a94' };
const keys = (startOfB?: number): Codec =>
  createCodec({
    codec: 'sealed',
    keys: parseSealedKeys(`A:${HEX.A}:100000${startOfB === undefined ? '' : ` B:${HEX.B}:${startOfB}`}`),
  });

let facts: MemoryFactStore;
beforeEach(() => {
  facts = new MemoryFactStore();
});

function start(codec: Codec, head: number | 'missing', namespace = 'links'): Promise<void> {
  const answer: LedgerHead | 'missing' = head === 'missing' ? head : { head, clusterId: 'c', virgin: false };
  return agreeOnFacts({ facts, ledger: { head: async () => answer }, codec, namespace });
}
const recorded = () => facts.recordOnce(CODEC_FACT, 'nothing');

test('a new key that starts below what is leased is refused, with the counter from which it may start', async () => {
  await start(keys(), 'missing');
  const before = await recorded();
  const refused = start(keys(199_999), 200_000);
  await expect(refused).rejects.toMatchObject({ code: 'codec_mismatch' });
  await expect(refused).rejects.toThrow(/new key B must start at 200000 or later.*"fingerprint"/);
  await expect(refused).rejects.not.toThrow(/2b7e1516|ef4359d8/i);
  expect(await recorded()).toBe(before);
});

test('one that starts there is recorded; whoever has it may start whatever is leased by then, and nobody without it', async () => {
  await start(keys(), 'missing');
  await start(keys(200_000), 200_000);
  expect(await recorded()).toBe(recordOfCodec(keys(200_000)));
  await start(keys(200_000), 10_000_000);
  await expect(start(keys(), 200_000)).rejects.toThrow('key B is missing');
  await expect(start(keys(300_000), 200_000)).rejects.toThrow('key B was changed');
});

test('what the ledger cannot say stops a start with a new key, and no other', async () => {
  await start(keys(), 'missing');
  const ledger = { head: () => Promise.reject(new Error('down')) };
  const server = { facts, ledger, namespace: 'links' };
  await agreeOnFacts({ ...server, codec: keys() });
  await expect(agreeOnFacts({ ...server, codec: keys(200_000) })).rejects.toThrow('down');
});

test('a database is of one namespace', async () => {
  await start(keys(), 'missing');
  await expect(start(keys(), 'missing', 'other')).rejects.toMatchObject({ code: 'namespace_mismatch' });
});

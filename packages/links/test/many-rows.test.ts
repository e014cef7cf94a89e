import { CountedCodes, MemoryLinkStore } from '@lakh/testkit';
import {
  anonymous,
  createInsertIds,
  createShortener,
  DuplicateCounterError,
  InvalidLinkError,
  NotShortened,
  type Shortened,
  StoreUnavailableError,
} from '../src/index.js';

const ANYONE = anonymous(['create']);
const urls = (count: number) => Array.from({ length: count }, (_, i) => ({ longUrl: `https://example.com/${i}` }));

let store: MemoryLinkStore;
let codes: CountedCodes;
let told: string[];
beforeEach(() => {
  store = new MemoryLinkStore();
  codes = new CountedCodes();
  told = [];
  codes.reportBurnt = (counter?: number, why?: string) => void told.push(`${counter} ${why}`);
  codes.reportDuplicate = (counter?: number) => void told.push(`${counter} duplicate`);
});

function open(insertIds = createInsertIds(new Uint8Array(8))) {
  const clock = { nowMs: () => 1_790_000_000_000 };
  return createShortener({ store, codes, clock, newInsertId: insertIds, policy: {} });
}

const found = (results: readonly Shortened[]) =>
  results.map((one) => (one instanceof NotShortened ? (one.error as Error).constructor.name : one.link.code));

test('many links take counters in their order, and what is wrong with one takes none', async () => {
  const results = await open().shortenMany(0, [...urls(2), { longUrl: 'nonsense' }, ...urls(1)], ANYONE);
  expect(found(results)).toEqual(['c100000', 'c100001', InvalidLinkError.name, 'c100002']);
  expect(told).toEqual([]);
});

test('all inserts come together, so that a store can make one statement of them', async () => {
  let [waiting, most] = [0, 0];
  store.gate = async () => {
    waiting += 1;
    most = Math.max(most, waiting);
    await new Promise((resolve) => setImmediate(resolve));
    waiting -= 1;
  };
  await open().shortenMany(0, urls(1000), ANYONE);
  expect(most).toBe(1000);
});

test('a code that is taken is burnt, and another one found', async () => {
  await open().shorten(0, { longUrl: 'https://example.com/', alias: 'c100001' }, ANYONE);
  expect(found(await open().shortenMany(0, urls(3), ANYONE))).toEqual(['c100000', 'c100003', 'c100002']);
  expect(told).toEqual(['100001 taken']);
});

test('a counter that was used already is told of, and fails its link alone', async () => {
  await open().shortenMany(0, urls(1), ANYONE);
  codes = Object.assign(new CountedCodes(), { reportDuplicate: codes.reportDuplicate });
  const other = createInsertIds(new Uint8Array(8).fill(1));
  expect(found(await open(other).shortenMany(0, urls(2), ANYONE))).toEqual([DuplicateCounterError.name, 'c100001']);
  expect(told).toEqual(['100000 duplicate']);
});

test('a store that refuses is told of for each counter that was taken, and nobody is left unheard', async () => {
  store.gate = ({ code }) => {
    if (code !== 'c100001') throw new StoreUnavailableError('away');
  };
  const results = await open().shortenMany(0, urls(3), ANYONE);
  expect(found(results)).toEqual([StoreUnavailableError.name, 'c100001', StoreUnavailableError.name]);
  expect(told).toEqual(['100000 refused', '100002 refused']);
});

test('where no ids are left, one link waits for some, and those behind it do not wait again', async () => {
  let asked = 0;
  const next = codes.nextOrWait.bind(codes);
  codes.nextOrWait = async () => {
    asked += 1;
    // What is stored, or refused, meanwhile must not count as unheard.
    await new Promise((resolve) => setImmediate(resolve));
    if (asked > 2) throw new RangeError('ids exhausted');
    return next();
  };
  store.gate = () => {
    throw new StoreUnavailableError('away');
  };
  const results = await open().shortenMany(0, urls(50), ANYONE);
  expect(found(results)).toEqual([...Array(2).fill(StoreUnavailableError.name), ...Array(48).fill('RangeError')]);
  expect(asked).toBe(3);
});

test('who may not create is refused as a whole', async () => {
  await expect(open().shortenMany(0, urls(1), anonymous(['read']))).rejects.toMatchObject({ code: 'forbidden' });
});

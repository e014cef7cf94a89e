/** What L1 says that it weighs, and what it adds to the heap. `callers`: how many links. Needs `--expose-gc`. */
import { L1Cache } from '@lakh/redirects';
import { serveTasks } from './tasks.js';

export interface Weighed {
  readonly entries: number;
  readonly accountBytes: number;
  readonly heapBytes: number;
}

/** Much more than is filled in. */
const MAX_BYTES = 2 ** 33;
const clock = { monotonicMs: () => 0, nowMs: () => 0 };
const cacheControl = 'private, max-age=90';

/** 20 to 109 characters, most of them few: the mean of 47,940 real ones is 45. */
const urlOf = (i: number) =>
  `https://example.org/${'path/'.repeat(Math.floor(((i * 7919) % 1000) ** 2 / 60_000))}${(i * 2_654_435_761) % 100_000}`;

function heapBytes(): number {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('run with --expose-gc');
  for (let i = 0; i < 4; i += 1) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function filled(entries: number): L1Cache {
  const answerOf = ({ longUrl }: { longUrl: string }) => ({ status: 301, location: longUrl, cacheControl }) as const;
  const l1 = new L1Cache({ domainId: 0, maxBytes: MAX_BYTES, answerOf, clock });
  for (let i = 0; i < entries; i += 1) {
    const code = (100_000 + i).toString(36);
    const link = {
      state: 'live',
      domainId: 0,
      code,
      kind: 'generated',
      counter: i,
      longUrl: urlOf(i),
      version: 1,
    } as const;
    l1.beginRead(
      0,
      code,
    )({ link: { ...link, createdAtMs: 0, expiresAtMs: null, redirectStatus: null, terms: null }, validUntilMs: 5_000 });
  }
  return l1;
}

filled(20_000);

serveTasks<Weighed>(async ({ callers }) => {
  const before = heapBytes();
  const l1 = filled(callers);
  return { entries: l1.size, heapBytes: heapBytes() - before, accountBytes: l1.bytes };
});

/**
 * Makes codes, or strings like them, as fast as one core can. Argument: variant. All variants begin at the same counter and
 * keep their last strings, so that none can be optimised away; all yield to the event loop as often.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { RangeAllocator, systemClock } from '@lakh/id-range';
import { base62 } from '@lakh/short-code';
import type { Sample } from '../bench/figures.js';
import { memorySource } from './issuing.js';
import { chosenVariant, serveTasks } from './tasks.js';

const FIRST_COUNTER = 2 ** 32;
/** Large, so that what is measured is issuing and not leasing: at tens of millions a second a lakh lasts 2 ms. */
const RANGE_SIZE = 10_000_000;
const MAX_HELD = 8;
const CHUNK = 1_000_000;
const KEPT = 1024;
const ZERO = '0'.charCodeAt(0);
const UPPER = 'A'.charCodeAt(0);
const LOWER = 'a'.charCodeAt(0);

/** Makes `CHUNK` strings. */
type MakeChunk = () => Promise<void> | void;

const kept: string[] = new Array(KEPT).fill('');

/** What the shorten service does for a code: `next()` of the real allocator, then the codec. */
function codes(): MakeChunk {
  const allocator = new RangeAllocator({
    source: memorySource(FIRST_COUNTER),
    clock: systemClock,
    random: Math.random,
    rangeSize: RANGE_SIZE,
    maxHeld: MAX_HELD,
    prefetchJitterMs: 0,
  });
  const codec = base62();
  allocator.start();
  return async () => {
    // The loop below never yields, so it may only begin when a chunk's worth is held; waiting counts as time used.
    while (allocator.snapshot().heldIds < CHUNK) await turn();
    for (let i = 0; i < CHUNK; i += 1) kept[i & (KEPT - 1)] = codec.encode(allocator.next());
  };
}

/** Six characters of their own a string, as in codes of counters from 62^5 to 62^6; no arithmetic but shifts of the loop's index. */
function fromCharCodes(): MakeChunk {
  return () => {
    for (let i = 0; i < CHUNK; i += 1) {
      kept[i & (KEPT - 1)] = String.fromCharCode(
        ZERO + (i & 7),
        UPPER + ((i >> 3) & 15),
        LOWER + ((i >> 7) & 15),
        UPPER + ((i >> 11) & 15),
        LOWER + ((i >> 15) & 15),
        ZERO + (i >> 19),
      );
    }
  };
}

/** Two strings of three characters joined: below 13 characters V8 copies them into one flat string. */
function joined(): MakeChunk {
  const pieces = Array.from({ length: 4096 }, (_, i) => String(i + 1000).slice(-3));
  return () => {
    for (let i = 0; i < CHUNK; i += 1) {
      kept[i & (KEPT - 1)] = (pieces[(i >> 12) & 4095] as string) + (pieces[i & 4095] as string);
    }
  };
}

const makeChunk = chosenVariant({ codes, 'from-char-codes': fromCharCodes, joined })();

async function measure(seconds: number): Promise<Sample> {
  const started = performance.now();
  const end = started + seconds * 1000;
  let strings = 0;
  while (performance.now() < end) {
    await makeChunk();
    await turn();
    strings += CHUNK;
  }
  if (kept.some((text) => text.length !== 6))
    throw new Error(`not six characters: ${kept.find((t) => t.length !== 6)}`);
  return { value: (strings / (performance.now() - started)) * 1000 };
}

serveTasks(({ seconds }) => measure(seconds));

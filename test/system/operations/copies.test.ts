import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CounterRange, ReclaimingLease, systemClock, TwoWitnessLease } from '@lakh/id-range';
import { base62, recordOfCodec } from '@lakh/short-code';
import { type Embedded, openEmbedded } from '@lakh/sqlite';
import { SampleLinks } from '@lakh/testkit';
import Database from 'libsql';
import { createRandom, type Random } from '../support/random.js';
import { lakh } from './harness.js';

/**
 * Copies of a live data file, torn between the file and its log in every way that a copier can tear them, while counters are
 * leased, issued, given back and taken again. Each copy is then tried as it is, restored and used, and nothing that the
 * original ever issued, before the copy or after it, may be issued by any of them.
 */
jest.setTimeout(120_000);

const SEED = Number(process.env.COPIES_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** More of both is a longer look: COPIES=500. */
const COPIES = Number(process.env.COPIES ?? 30);
const STEPS = COPIES + 30;
const PAGE_BYTES = 4096;
/** The least that the setting takes; far above what is leased here. */
const SKIP = 100_000;
/** In use: by this very process, whose driver lets go of a file that was given up only once its statements were collected. */
const REFUSED = /^(restore_needed|data_file_invalid|data_dir_in_use)$/;

/** What lay on disk at one moment. */
interface Image {
  readonly file: Buffer;
  /** Undefined: there was none. */
  readonly log: Buffer | undefined;
  readonly isClosed: boolean;
  /** Counters below were acknowledged to the original as its own by then; 0: none was. */
  readonly leasedUpTo: number;
}

interface Original {
  readonly images: readonly Image[];
  readonly issued: ReadonlySet<number>;
}

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-copies-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A server's life on a data file: the images of all its moments, and what it issued in all of them. */
async function live(random: Random, file: string): Promise<Original> {
  const images: Image[] = [];
  const issued = new Set<number>();
  const sample = new SampleLinks();
  let leasedUpTo = 0;
  let embedded: Embedded | undefined;
  let held: CounterRange[] = [];

  const look = (): void => {
    const log = existsSync(`${file}-wal`) ? readFileSync(`${file}-wal`) : undefined;
    images.push({ file: readFileSync(file), log, isClosed: embedded === undefined, leasedUpTo });
  };
  const leaseOn = (opened: Embedded, start: number) => {
    const holder = { serverId: `server-${start}`, host: 'host', processStartMs: start, codec: 'base62' };
    return leasesOf(opened, holder, random, look);
  };
  embedded = openEmbedded({ file });
  let lease = leaseOn(embedded, 0);
  await embedded.facts.recordOnce('codec', recordOfCodec(base62()));
  look();

  for (let step = 1; step <= STEPS; step += 1) {
    const what = random.below(10);
    if (what < 4) {
      const range = await lease.lease(3 + random.below(200));
      leasedUpTo = Math.max(leasedUpTo, range.end);
      held.push(range);
    } else if (what < 8) {
      await Promise.all(
        takeSome(random, held).map((counter) => insertLink(embedded as Embedded, sample, issued, counter)),
      );
      held = held.filter(({ start, end }) => start < end);
    } else if (what < 9) {
      await embedded.links.insert(sample.alias({ code: `alias-${step}` }));
    } else {
      await lease.release(held, 60_000);
      held = [];
      embedded.close();
      embedded = undefined;
      look();
      embedded = openEmbedded({ file });
      lease = leaseOn(embedded, step);
    }
    look();
  }
  embedded.close();
  return { images, issued };
}

function leasesOf(
  embedded: Embedded,
  holder: ConstructorParameters<typeof TwoWitnessLease>[0]['holder'],
  random: Random,
  look: () => void,
) {
  const [marks, ledger] = [embedded.markStore('links'), embedded.ledger('links')];
  const common = { holder, clock: systemClock, random: random.next, ledger };
  return new ReclaimingLease({
    ...common,
    smallestTail: 1,
    remainders: embedded.remainderStore('links'),
    lease: new TwoWitnessLease({
      ...common,
      newClusterId: () => '00000000-0000-4000-8000-000000000001',
      marks: {
        ...marks,
        // Between the two witnesses too.
        write: async (version, mark) => {
          const outcome = await marks.write(version, mark);
          look();
          return outcome;
        },
      },
    }),
  });
}

/** Shortens the first range that is held by some counters, and gives those. */
function takeSome(random: Random, held: CounterRange[]): number[] {
  const range = held[0];
  if (range === undefined) return [];
  const count = Math.min(range.end - range.start, 1 + random.below(60));
  held[0] = { start: range.start + count, end: range.end };
  return Array.from({ length: count }, (_, i) => range.start + i);
}

async function insertLink(
  embedded: Embedded,
  sample: SampleLinks,
  issued: Set<number>,
  counter: number,
): Promise<void> {
  if (issued.has(counter)) throw new Error(`seed ${SEED}: the original itself issued ${counter} twice`);
  issued.add(counter);
  const code = base62().encode(counter);
  await embedded.links.insert(sample.generated({ code, counter, longUrl: `https://example.com/${'x'.repeat(300)}` }));
}

interface Copy {
  readonly kind: string;
  readonly file: Buffer;
  readonly log: Buffer | undefined;
  /** Whole in itself, so that it can be restored for certain; a torn one may be too damaged to be used, and is refused then. */
  readonly isWhole: boolean;
  readonly isClosed: boolean;
}

function tear(random: Random, images: readonly Image[]): Copy {
  const i = random.below(images.length);
  const early = images[i] as Image;
  const late = images[Math.min(images.length - 1, i + 1 + random.below(random.pick([3, 30, 300])))] as Image;
  const { isClosed } = early;
  switch (random.below(8)) {
    case 0:
    case 1:
      return { kind: 'the file alone', file: early.file, log: undefined, isWhole: true, isClosed };
    case 2:
      return { kind: 'file and log of one moment', file: early.file, log: early.log, isWhole: true, isClosed };
    case 3:
      return {
        kind: 'file, then log',
        file: early.file,
        log: late.log,
        isWhole: false,
        isClosed: isClosed && !late.log,
      };
    case 4:
      return {
        kind: 'log, then file',
        file: late.file,
        log: early.log,
        isWhole: false,
        isClosed: late.isClosed && !early.log,
      };
    case 5: {
      const log = early.log?.subarray(0, random.below(early.log.length + 1));
      return { kind: 'a log that ends early', file: early.file, log, isWhole: false, isClosed };
    }
    case 6:
      return { kind: 'an empty log', file: early.file, log: Buffer.alloc(0), isWhole: true, isClosed };
    default: {
      const cut = PAGE_BYTES * random.below(early.file.length / PAGE_BYTES + 1);
      const file = Buffer.concat([early.file.subarray(0, cut), late.file.subarray(cut)]);
      const log = random.pick([undefined, early.log, late.log]);
      // Whoever begins to read a closed file and ends after it was opened has what was closed, or a mixture.
      return {
        kind: `torn at byte ${cut}`,
        file,
        log,
        isWhole: false,
        isClosed: (cut > 0 ? early : late).isClosed && !log,
      };
    }
  }
}

function put(copy: Pick<Copy, 'file' | 'log'>, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'lakh.db');
  writeFileSync(file, copy.file);
  if (copy.log !== undefined) writeFileSync(`${file}-wal`, copy.log);
  return file;
}

function codeOfOpening(file: string): string {
  try {
    openEmbedded({ file }).close();
    return 'opened';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test(`no copy of a live data file repeats a counter, however torn (COPIES_SEED=${SEED})`, async () => {
  const random = createRandom(SEED);
  const { images, issued } = await live(random, join(dir, 'original', 'lakh.db'));
  const restored: Record<string, number> = {};
  for (let n = 0; n < COPIES; n += 1) {
    const copy = tear(random, images);
    const folder = join(dir, `copy-${n}`);
    const file = put(copy, folder);
    const where = `seed ${SEED}, copy ${n}: ${copy.kind}`;
    if (!copy.isClosed) {
      // A second time too: what was tried must not make it look better.
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        expect([where, codeOfOpening(file)]).toEqual([where, expect.stringMatching(REFUSED)]);
      }
    }
    const env = { LAKH_DATA_DIR: folder, LAKH_ADMIN_LISTEN: '127.0.0.1:1', LAKH_RESTORE_SKIP: String(SKIP) };
    const restore = await lakh(env, 'restore');
    if (restore.exitCode !== 0) {
      expect([where, copy.isWhole, restore.stderr]).toEqual([
        where,
        false,
        expect.stringMatching(/data_file_invalid|data_dir_in_use|ledger_not_empty/),
      ]);
      expect([where, codeOfOpening(file)]).toEqual([where, expect.stringMatching(REFUSED)]);
      continue;
    }
    const kind = copy.kind.replace(/ at .*/, '');
    restored[kind] = (restored[kind] ?? 0) + 1;
    const embedded = openEmbedded({ file });
    const holder = { serverId: 'another', host: 'host', processStartMs: 7, codec: 'base62' };
    const lease = leasesOf(embedded, holder, random, () => {});
    for (let leases = 0; leases < 3; leases += 1) {
      const { start, end } = await lease.lease(1000);
      const repeated = [...issued].filter((counter) => counter >= start && counter < end);
      expect([where, repeated]).toEqual([where, []]);
    }
    embedded.close();
  }
  process.stderr.write(`copies: seed ${SEED}, ${images.length} images, restored ${JSON.stringify(restored)}\n`);
  expect(restored['the file alone']).toBeGreaterThan(0);
});

test('at each moment the file alone knows of everything that its server may issue', async () => {
  const { images } = await live(createRandom(SEED), join(dir, 'original', 'lakh.db'));
  const file = join(dir, 'alone.db');
  for (const [n, image] of images.entries()) {
    writeFileSync(file, image.file);
    const db = new Database(`${pathToFileURL(file).href}?immutable=1`);
    const known = (sql: string) => (db.prepare(sql).raw().get() as [number] | undefined)?.[0] ?? 0;
    const [mark, head] = [known('SELECT next FROM marks'), known('SELECT head FROM ledger_heads')];
    db.close();
    const isKnown = mark >= image.leasedUpTo && head >= image.leasedUpTo;
    expect([`seed ${SEED}, image ${n}: ${mark}, ${head}, ${image.leasedUpTo}`, isKnown]).toEqual([
      expect.anything(),
      true,
    ]);
  }
});

describe('in the very folder of the original', () => {
  const env = () => ({ LAKH_DATA_DIR: dir, LAKH_ADMIN_LISTEN: '127.0.0.1:1', LAKH_RESTORE_SKIP: String(SKIP) });

  test('a copy of the live file over the closed one is refused until it was restored, and a dry run is no restore', async () => {
    const file = join(dir, 'lakh.db');
    const embedded = openEmbedded({ file });
    await leasesOf(
      embedded,
      { serverId: 's', host: 'h', processStartMs: 1, codec: 'base62' },
      createRandom(1),
      () => {},
    ).lease(50);
    copyFileSync(file, join(dir, 'backup'));
    embedded.close();
    copyFileSync(join(dir, 'backup'), file);
    expect(codeOfOpening(file)).toBe('restore_needed');
    for (const argv of [
      ['ranges', 'check'],
      ['ranges', 'repair', '--apply'],
      ['bootstrap'],
      ['export'],
      ['audit', 'Q0u'],
    ]) {
      const { exitCode, stderr } = await lakh(env(), ...argv);
      expect([argv, exitCode, stderr]).toEqual([argv, 1, expect.stringContaining('lakh: restore_needed: ')]);
    }
    expect((await lakh(env(), 'restore', '--dry-run')).exitCode).toBe(0);
    expect(codeOfOpening(file)).toBe('restore_needed');
    expect((await lakh(env(), 'restore')).stdout).toContain('the next lease begins at 300,000');
    expect(codeOfOpening(file)).toBe('opened');
  });

  test('a log of another time beside a closed file is not written into it', () => {
    const file = join(dir, 'lakh.db');
    const embedded = openEmbedded({ file });
    copyFileSync(`${file}-wal`, join(dir, 'old-log'));
    embedded.close();
    copyFileSync(join(dir, 'old-log'), `${file}-wal`);
    const closed = readFileSync(file);
    expect(codeOfOpening(file)).toBe('data_file_invalid');
    expect(readFileSync(file)).toEqual(closed);
    truncateSync(`${file}-wal`);
    expect(codeOfOpening(file)).toBe('opened');
  });

  test('a file that looks empty is restored above the skip all the same', async () => {
    openEmbedded({ file: join(dir, 'lakh.db') }).close();
    expect((await lakh(env(), 'restore')).stdout).toContain('the next lease begins at 200,000');
    expect((await lakh(env(), 'restore')).stdout).toContain('the next lease begins at 300,000');
  });
});

import {
  createMysqlLinkStore,
  type MysqlLinkStore,
  type ReplicaReader,
  type Session,
  SqlFailure,
} from '../src/index.js';
import { COLUMNS } from '../src/links/rows.js';
import type { PrimaryPool } from '../src/wire/primary-pool.js';

const clock = { nowMs: () => 0 };
const noAnswer = new SqlFailure('lost', 'no answer');

/** As `selectSightings` asks for it: the link's columns, then where its bucket's log stands. */
function rowOf(code: string): readonly unknown[] {
  const link = [0, code, 1, 1, 'https://a.example/', 1, 0, 0, 1];
  const others = COLUMNS.split(',').length - link.length;
  return [...link, ...Array.from({ length: others }, () => null), 7, 'n7'];
}

/** A server that has these codes, and notes which it is asked for. */
class FakeServer {
  readonly asked: string[][] = [];
  codes: readonly string[];
  failure: SqlFailure | undefined;
  constructor(codes: readonly string[]) {
    this.codes = codes;
  }
  async answer<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const query = async (sql: string) => {
      const wanted = [...sql.matchAll(/(?<!x)'(\w+)'/g)].map(([, code]) => code as string);
      this.asked.push(wanted);
      if (this.failure) throw this.failure;
      const has = wanted.filter((code) => this.codes.includes(code));
      return { rows: has.map(rowOf), affectedRows: 0 };
    };
    return work({ query, facts: { version: '10.11.11-MariaDB' } } as unknown as Session);
  }
}

let primary: FakeServer;
let replicas: readonly (FakeServer & { lagMs: number })[];
/** Who is asked next, of those that have not failed. */
let turn: number;
let isPrimaryAway: boolean;
let lagOf: ReplicaReader['lagOf'];
let store: MysqlLinkStore;

beforeEach(() => {
  primary = new FakeServer(['old', 'fresh']);
  replicas = [1, 2].map((n) => Object.assign(new FakeServer(['old']), { lagMs: n * 100 }));
  turn = 0;
  isPrimaryAway = false;
  lagOf = undefined;
  const pool: PrimaryPool = {
    name: 'all',
    deadlineMs: 1_000,
    get available() {
      return !isPrimaryAway;
    },
    unavailableReason: 'gone',
    writeRefusal: '',
    run: (work) => primary.answer(work),
    read: (work) => primary.answer(work),
    transaction: (work) => primary.answer(work),
    proveWritable: async () => {},
    reader(): ReplicaReader | undefined {
      const left = replicas.filter(({ failure, asked }) => failure === undefined || asked.length === 0);
      const replica = left[turn++ % Math.max(1, left.length)];
      const lagMs = isPrimaryAway ? Number.POSITIVE_INFINITY : replica?.lagMs;
      return (
        replica && {
          name: 'replica',
          lagMs: lagMs as number,
          ...(lagOf && { lagOf }),
          read: (work) => replica.answer(work),
        }
      );
    },
  };
  store = createMysqlLinkStore({ pool, clock });
});

const sight = async (code: string, options?: { fresh: boolean }) => {
  const sighting = await store.sight(0, code, options);
  return sighting && [sighting.link.code, sighting.lagMs, sighting.position?.seq];
};

test('what a replica has is answered by it, with its lag and the position that it shows', async () => {
  expect(await sight('old')).toEqual(['old', 100, 7]);
  expect(await sight('old')).toEqual(['old', 200, 7]);
  expect(primary.asked).toEqual([]);
});

test('what a replica does not have the primary is asked for, and only that, before anybody hears that there is none', async () => {
  expect(await Promise.all(['old', 'fresh', 'none'].map((code) => sight(code)))).toEqual([
    ['old', 100, 7],
    ['fresh', 0, 7],
    undefined,
  ]);
  expect(primary.asked).toEqual([['fresh', 'none']]);
});

test('where only the answer proves how old it is, the primary is asked for what it does not prove', async () => {
  for (const replica of replicas) replica.codes = ['old', 'other'];
  primary.codes = ['old', 'other'];
  const shown: unknown[] = [];
  lagOf = ({ domainId, code }, position) => {
    shown.push([domainId, code, position]);
    return code === 'old' ? 50 : undefined;
  };
  expect(await Promise.all(['old', 'other'].map((code) => sight(code)))).toEqual([
    ['old', 50, 7],
    ['other', 0, 7],
  ]);
  expect(shown).toEqual(['old', 'other'].map((code) => [0, code, { seq: 7, nonce: 'n7' }]));
  expect(primary.asked).toEqual([['other']]);
});

test('fresh reads go to the primary alone', async () => {
  expect(await sight('old', { fresh: true })).toEqual(['old', 0, 7]);
  expect(replicas.map(({ asked }) => asked)).toEqual([[], []]);
});

test('a replica that fails costs a question to another, and two that fail one to the primary', async () => {
  const [first, second] = replicas as [FakeServer, FakeServer];
  first.failure = noAnswer;
  expect(await sight('old')).toEqual(['old', 200, 7]);
  second.failure = noAnswer;
  second.asked.length = 0;
  expect(await sight('old')).toEqual(['old', 0, 7]);
});

test('while the primary is away replicas answer what they have, and of the rest nobody says that it is not there', async () => {
  isPrimaryAway = true;
  primary.failure = noAnswer;
  expect(await sight('old')).toEqual(['old', Number.POSITIVE_INFINITY, 7]);
  await expect(sight('fresh')).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(await Promise.allSettled([sight('old'), sight('none')])).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected' },
  ]);
});

test('without anybody to ask it is refused at once', async () => {
  isPrimaryAway = true;
  replicas = [];
  await expect(sight('old')).rejects.toThrow('all is away: gone');
});

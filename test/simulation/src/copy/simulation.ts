/** Several servers over one Redis and one database, on simulated time, with a seed that decides every delay and fault. */
import { bucketOf, DEFAULT_DOMAIN_ID } from '@lakh/links';
import { SimulatedClock, seededRandom } from '@lakh/testkit';
import type { Coverage } from '../coverage.js';
import { CopyDatabase } from './database.js';
import { SimulatedRedis } from './redis.js';
import { type CopyEvent, type CopySchedule, withdraws } from './schedule.js';
import { CopyServer } from './server.js';
import { type CopyViolation, Truth } from './truth.js';
import { type CopySabotage, type CopyWorld, VALID_FOR_MS } from './world.js';

/** Two share a bucket; the last is nobody's at first. */
const CODES: readonly string[] = codesOfTwoBuckets();
const BUCKETS = [...new Set(CODES.map((code) => bucketOf(DEFAULT_DOMAIN_ID, code)))];

const OUTAGES_MS = [100, 400, 1_500];
const PAUSES_MS = [50, 300, 1_200, 4_000];
const START_MS = 400;
const NONCE_DIGITS = 16;
/** Deadlines, late answers and pauses that are over by then; then the rounds within which trust has to be back. */
const SETTLE_MS = 2_000;
const ROUND_MS = VALID_FOR_MS / 20;
export const ROUNDS_TO_TRUST = 8;

export class CopySimulation {
  readonly time = new SimulatedClock();
  readonly #schedule: CopySchedule;
  readonly #world: CopyWorld;
  readonly #random: () => number;
  readonly #truth = new Truth(() => this.time.monotonicMs());
  readonly #servers: CopyServer[] = [];
  readonly #withdrawnMs = new Map<string, number>();
  #starts = 0;
  #isOver = false;

  constructor(schedule: CopySchedule, coverage: Coverage, sabotage: CopySabotage = {}) {
    this.#schedule = schedule;
    const random = seededRandom(schedule.seed);
    this.#random = random;
    let nonces = 0;
    const newNonce = () => (++nonces).toString(16).padStart(NONCE_DIGITS, '0');
    const { time } = this;
    const truth = this.#truth;
    const redis = new SimulatedRedis(time, sabotage.scripts ?? {});
    for (const node of redis.nodes) {
      node.onWrite = (changes) => {
        truth.compare(node);
        for (const change of changes) for (const server of this.#servers) server.hear(change);
      };
      node.onWithdrawn = ({ code, version }) => {
        coverage.add('withdrawn');
        truth.withdrawn(code, version);
        this.#withdrawnMs.set(code, time.monotonicMs());
      };
    }
    const remakesLost = sabotage.remakesAliases === true;
    const database = new CopyDatabase({ time, truth, newNonce, codes: CODES, buckets: BUCKETS, remakesLost });
    const faults = { rate: 0, random, coverage };
    const { rowsAtOnce, messageLoss } = schedule;
    this.#world = {
      ...{ time, random, newNonce, coverage, faults, truth, redis, database, sabotage },
      ...{ buckets: BUCKETS, messageLoss, rowsAtOnce, withdraws: withdraws(schedule) },
    };
  }

  async run(): Promise<readonly CopyViolation[]> {
    for (let i = 0; i < this.#schedule.servers; i += 1) this.#servers.push(this.#start(i));
    await this.time.advance(START_MS);
    this.#world.faults.rate = this.#schedule.faultRate;
    this.#followOn();
    for (const event of this.#schedule.events) {
      await this.time.advance(event.afterMs);
      this.#happen(event);
    }
    await this.#heal();
    this.#world.coverage.add('schedules');
    for (const server of this.#servers) server.process.die();
    await this.time.advance(SETTLE_MS);
    return this.#truth.violations;
  }

  #start(slot: number): CopyServer {
    this.#starts += 1;
    return new CopyServer(this.#world, `server ${slot}, start ${this.#starts}`);
  }

  #happen({ kind, server: index, code: codeIndex, amount }: CopyEvent): void {
    const { redis, database, coverage } = this.#world;
    const slot = index % this.#servers.length;
    const server = this.#servers[slot] as CopyServer;
    const code = CODES[codeIndex % CODES.length] as string;
    const nowMs = this.time.monotonicMs();
    const untilMs = nowMs + (OUTAGES_MS[amount % OUTAGES_MS.length] as number);
    coverage.add(`event: ${kind}`);
    switch (kind) {
      case 'look up':
        server.follow(code);
        break;
      case 'fresh look-up':
        server.followFresh(code);
        break;
      case 'edit':
        server.change('edit', code);
        break;
      case 'create':
        server.change('create', CODES.at(-1) as string);
        break;
      case 'delete':
        server.change(database.find(code)?.link.state === 'deleted' ? 'undelete' : 'remove', code);
        break;
      case 'wait':
        break;
      case 'pause':
        this.#pause(server, PAUSES_MS[amount % PAUSES_MS.length] as number, amount % 2 === 0);
        break;
      case 'pause in a round':
        server.pauseInRound(PAUSES_MS[amount % PAUSES_MS.length] as number);
        break;
      case 'crash':
        server.process.die();
        this.#servers[slot] = this.#start(slot);
        break;
      case 'cut off from Redis':
        server.copy.cutOff(untilMs);
        break;
      case 'cut off from the database':
        server.cutOffFromDatabase();
        this.time.schedule(untilMs - nowMs, () => server.reachDatabase());
        break;
      case 'freeze the database':
        database.frozenUntilMs = untilMs;
        break;
      case 'forget rows':
        database.forgetRows();
        break;
      case 'stop replication of the database':
        database.replicaStopsUntilMs = untilMs;
        break;
      case 'database failover':
        coverage.add('commits lost', database.failOver());
        break;
      case 'restore the database':
        coverage.add('commits lost', database.restore(1 + (amount % 3)));
        break;
      default:
        this.#happenToRedis(kind, amount, untilMs, redis);
        break;
    }
  }

  #happenToRedis(kind: CopyEvent['kind'], amount: number, untilMs: number, redis: SimulatedRedis): void {
    const { master } = redis;
    switch (kind) {
      case 'snapshot Redis':
        master.snapshot();
        break;
      case 'restart Redis':
        redis.restart();
        break;
      case 'stop replication of Redis':
        redis.stopReplication();
        break;
      case 'promote a replica of Redis':
        if (redis.promote(amount * 20)) this.#world.coverage.add('a replica of Redis was promoted');
        break;
      case 'Redis refuses writes':
        master.refusesWrites = true;
        this.time.schedule(untilMs - this.time.monotonicMs(), () => {
          master.refusesWrites = false;
        });
        break;
      case 'Redis evicts':
        master.evict((i) => amount % 3 !== i % 3);
        break;
      case 'freeze Redis':
        master.frozenUntilMs = untilMs;
        break;
      default:
        throw new Error(`no such event: ${kind}`);
    }
  }

  /** Somebody follows some link all the time, on each server. */
  #followOn(): void {
    if (this.#isOver) return;
    for (const server of this.#servers) server.follow(CODES[Math.floor(this.#random() * CODES.length)] as string);
    this.time.schedule(this.#schedule.followEveryMs * (0.5 + this.#random()), () => this.#followOn());
  }

  #pause(server: CopyServer, ms: number, timersFirst: boolean): void {
    server.process.pause();
    this.time.schedule(ms, () => server.process.wake(timersFirst));
  }

  async #heal(): Promise<void> {
    const { faults, redis, database, coverage } = this.#world;
    faults.rate = 0;
    await this.time.advance(SETTLE_MS);
    for (const node of redis.nodes) [node.refusesWrites, node.frozenUntilMs] = [false, 0];
    database.frozenUntilMs = 0;
    for (const server of this.#servers) {
      server.pauseInRound(0);
      server.process.wake(this.#random() < 0.5);
      server.reachDatabase();
      server.copy.cutOffUntilMs = 0;
    }
    await this.time.advance(SETTLE_MS);
    await this.time.advance(ROUND_MS * ROUNDS_TO_TRUST);
    for (const node of redis.nodes) this.#truth.compare(node);
    for (const server of this.#servers) for (const code of CODES) server.follow(code);
    await this.time.advance(ROUND_MS * 2);
    this.#isOver = true;
    for (const server of this.#servers) await this.#mustTrust(server);
    for (const server of this.#servers) {
      if (server.waiting > 0)
        this.#truth.report('stuck', `${server.process.name} has ${server.waiting} requests that never end`);
    }
    coverage.add('schedules of the copy');
  }

  async #mustTrust(server: CopyServer): Promise<void> {
    for (const code of CODES) {
      if (this.#world.database.find(code) === undefined) continue;
      let trustMs: number | undefined;
      void server.trustMs(code).then((ms) => {
        trustMs = ms;
      });
      await this.time.advance(ROUND_MS);
      // L1 goes on with what was taken out of Redis, and the next who looks behind it fills it.
      if (this.time.monotonicMs() - (this.#withdrawnMs.get(code) ?? Number.NEGATIVE_INFINITY) < 2 * VALID_FOR_MS)
        continue;
      if (trustMs === undefined || trustMs < VALID_FOR_MS / 2) {
        this.#truth.report(
          'stuck',
          `${server.process.name} has trust in ${code} for ${trustMs} ms when all has healed`,
        );
      }
    }
  }
}

function codesOfTwoBuckets(): string[] {
  const byBucket = new Map<number, string[]>();
  for (let i = 100_000; ; i += 1) {
    const code = i.toString(36);
    const bucket = bucketOf(DEFAULT_DOMAIN_ID, code);
    const codes = [...(byBucket.get(bucket) ?? []), code];
    byBucket.set(bucket, codes);
    if (codes.length < 2) continue;
    const [other] = [...byBucket].filter(([each]) => each !== bucket).map(([, [first]]) => first);
    // The alias shares the bucket of a link.
    return [codes[0] as string, other as string, `${other}x`, codes[1] as string];
  }
}

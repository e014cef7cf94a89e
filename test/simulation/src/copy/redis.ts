/** A Redis in memory: a master and a replica that lags, snapshots, restarts, promotions, refusals. */
import {
  bucketOf,
  type CopyChange,
  type CopyChanges,
  type CopyMove,
  type CopyPlace,
  endOfCopyState,
  type StoredLink,
} from '@lakh/links';
import type { SimulatedClock } from '@lakh/testkit';

export interface NodeData {
  readonly states: Map<number, string>;
  /** By bucket, epoch and code. */
  readonly links: Map<string, StoredLink>;
}

/** Where the scripts of a mutant lack a guard. */
export interface ScriptFaults {
  /** A state is moved on if position and row's nonce are those that were read. */
  readonly comparesPositionOnly?: boolean;
  /** Rows are applied before the state is compared. */
  readonly appliesFirst?: boolean;
  readonly takesAnyFill?: boolean;
  readonly takesNewerFill?: boolean;
  /** Keys carry no epoch. */
  readonly hasNoEpochs?: boolean;
}

type Operation = (data: NodeData) => void;

const REPLICATION_MS = 5;
const SHORT_OF_EPOCH = 2;

const copyOf = ({ states, links }: NodeData): NodeData => ({ states: new Map(states), links: new Map(links) });
const endOf = (state: string) => state.split('|').slice(-SHORT_OF_EPOCH).join('|');

/** One server. What is asked of it is done in one step. */
export class RedisNode {
  readonly name: string;
  role: 'master' | 'replica' = 'master';
  data: NodeData = { states: new Map(), links: new Map() };
  refusesWrites = false;
  frozenUntilMs = 0;
  /** Told of what was written. */
  onWrite: (changes: readonly CopyChange[]) => void = () => {};
  /** Told of what was taken out while the state stayed. */
  onWithdrawn: (change: CopyChange) => void = () => {};
  /** Ends every connection to it. */
  readonly connections = new Set<() => void>();
  readonly #faults: ScriptFaults;
  #snapshot: NodeData = { states: new Map(), links: new Map() };
  #replicate: ((operation: Operation) => void) | undefined;

  constructor(name: string, faults: ScriptFaults) {
    this.name = name;
    this.#faults = faults;
  }

  keyOf(epoch: string, { domainId, code }: Pick<StoredLink, 'domainId' | 'code'>): string {
    return `${bucketOf(domainId, code)}:${this.#faults.hasNoEpochs ? '' : epoch}:${domainId}:${code}`;
  }

  advance(moves: readonly CopyMove[]): boolean[] {
    this.#refuse();
    return moves.map((move) => {
      const isMoved = this.#move(move);
      if (isMoved) this.onWrite([]);
      return isMoved;
    });
  }

  apply(move: CopyMove, { epoch, changes }: CopyChanges): boolean {
    this.#refuse();
    const isMoved = this.#move(move);
    if (!isMoved && !this.#faults.appliesFirst) return false;
    for (const change of changes) {
      const key = this.keyOf(epoch, change);
      const { link } = change;
      this.#write((data) => (link === undefined ? data.links.delete(key) : data.links.set(key, link)));
    }
    this.onWrite(changes);
    if (move.from === move.to) for (const change of changes) this.onWithdrawn(change);
    return isMoved;
  }

  fill(link: StoredLink, at: CopyPlace): boolean {
    this.#refuse();
    const state = this.data.states.get(bucketOf(link.domainId, link.code));
    const key = this.keyOf(at.epoch, link);
    const held = this.data.links.get(key);
    const isNewer = this.#faults.takesNewerFill && (held === undefined || held.version < link.version);
    const isOfEpoch = state?.includes(`|${at.epoch}|`) === true;
    if (!state?.endsWith(endOfCopyState(at)) && !(isOfEpoch && (this.#faults.takesAnyFill || isNewer))) return false;
    this.#write((data) => data.links.set(key, link));
    this.onWrite([]);
    return true;
  }

  get(domainId: number, code: string, epoch: string): StoredLink | undefined {
    return this.data.links.get(this.keyOf(epoch, { domainId, code }));
  }

  evict(which: (index: number) => boolean): void {
    for (const [i, key] of [...this.data.links.keys()].entries()) {
      if (which(i)) this.#write((data) => data.links.delete(key));
    }
  }

  snapshot(): void {
    this.#snapshot = copyOf(this.data);
  }

  restart(): void {
    this.data = copyOf(this.#snapshot);
    this.refusesWrites = false;
    this.disconnect();
  }

  disconnect(): void {
    for (const end of [...this.connections]) end();
  }

  /** From now on this is a copy of `master`, a little behind, for as long as `isConnected`. */
  follow(master: RedisNode, time: SimulatedClock, isConnected: () => boolean): void {
    this.#detach();
    this.role = 'replica';
    this.data = copyOf(master.data);
    let isDetached = false;
    master.#replicate = (operation) => {
      if (!isConnected()) return;
      time.schedule(REPLICATION_MS, () => {
        if (!isDetached && isConnected()) operation(this.data);
      });
    };
    this.#detach = () => {
      isDetached = true;
    };
  }

  #detach = () => {};

  promote(): void {
    this.#detach();
    this.role = 'master';
    this.#replicate = undefined;
  }

  #move({ bucket, from, to }: CopyMove): boolean {
    const state = this.data.states.get(bucket) ?? '';
    const isSame = this.#faults.comparesPositionOnly ? endOf(state) === endOf(from) : state === from;
    if (isSame) this.#write((data) => data.states.set(bucket, to));
    return isSame;
  }

  #write(operation: Operation): void {
    operation(this.data);
    this.#replicate?.(operation);
  }

  #refuse(): void {
    if (this.role !== 'master') throw new Error(`READONLY ${this.name} is a replica`);
    if (this.refusesWrites) throw new Error(`OOM ${this.name} takes no writes`);
  }
}

/** A master, its replica, and who believes which to be the master. */
export class SimulatedRedis {
  readonly nodes: readonly [RedisNode, RedisNode];
  readonly #time: SimulatedClock;
  #master: RedisNode;
  #previous: RedisNode;
  #knownFromMs = 0;
  #replication = { isUp: false };

  constructor(time: SimulatedClock, faults: ScriptFaults) {
    this.#time = time;
    this.nodes = [new RedisNode('Redis 1', faults), new RedisNode('Redis 2', faults)];
    this.#master = this.nodes[0];
    this.#previous = this.nodes[0];
    this.#attach(this.nodes[1]);
  }

  get master(): RedisNode {
    return this.#master;
  }

  /** Whom somebody finds who asks now, and hears of a promotion `lateMs` after it. */
  masterAsKnown(lateMs: number): RedisNode {
    return this.#time.monotonicMs() < this.#knownFromMs + lateMs ? this.#previous : this.#master;
  }

  /** Until the replica is copied anew. */
  stopReplication(): void {
    this.#replication.isUp = false;
  }

  /** The replica takes over as it is. The old master goes on for `forMs`, for those who are connected to it or do not know better. */
  promote(forMs: number): boolean {
    const [old] = [this.#master];
    const next = this.nodes[old === this.nodes[0] ? 1 : 0];
    if (next.role !== 'replica') return false;
    next.promote();
    this.#previous = old;
    this.#master = next;
    this.#knownFromMs = this.#time.monotonicMs();
    this.#time.schedule(forMs, () => this.#attach(old));
    return true;
  }

  /** A master that restarts is copied anew. */
  restart(): void {
    this.#master.restart();
    const other = this.nodes[this.#master === this.nodes[0] ? 1 : 0];
    if (other.role === 'replica') this.#attach(other);
  }

  /** As a sentinel does: whoever is connected is thrown out. */
  #attach(replica: RedisNode): void {
    replica.disconnect();
    const link = { isUp: true };
    this.#replication = link;
    replica.follow(this.#master, this.#time, () => link.isUp);
  }
}

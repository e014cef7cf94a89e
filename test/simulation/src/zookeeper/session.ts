import { backoff } from '@lakh/base';
import { WitnessUnavailableError } from '@lakh/id-range';
import {
  type CallKind,
  lost,
  type NodeConnection,
  type NodeSession,
  refused,
  type ZkError,
  type ZkRequests,
} from '@lakh/zookeeper';
import type { Network, NetworkFault, Purpose } from '../network.js';
import type { SimulatedProcess } from '../process.js';
import { simulatedClient } from './client.js';
import { CODES, type Ensemble, type ZkAnswer, type ZkRequest, type ZkServerSession } from './ensemble.js';

const DEADLINE_MS = 3_000;
const SESSION_TIMEOUT_MS = 10_000;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 2_000;
const CHROOT = '/lakh';

interface Call {
  readonly kind: CallKind;
  readonly name: string;
  readonly operation: string;
  readonly dueMs: number;
  readonly lose: (reason: string) => void;
  isApplied: boolean;
  isLost: boolean;
}

export interface ZookeeperEnds {
  readonly ensemble: Ensemble;
  readonly network: Network;
  readonly process: SimulatedProcess;
}

/** As createZookeeperSession gives it: one connection at a time, replaced after it has ended. */
export class SimulatedZookeeperSession implements NodeSession {
  readonly chroot = CHROOT;
  readonly authenticated = false;
  readonly #ends: ZookeeperEnds;
  readonly #waiting = new Set<() => void>();
  #connection: SimulatedConnection | undefined;
  #failures = 0;
  #isClosed = false;

  constructor(ends: ZookeeperEnds) {
    this.#ends = ends;
    this.#open();
  }

  connection(): NodeConnection {
    if (this.#connection) return this.#connection;
    throw new WitnessUnavailableError('not connected to ZooKeeper');
  }

  whenConnected(waitMs: number): Promise<void> {
    if (this.#connection) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = () => {
        cancel();
        this.#waiting.delete(settle);
        if (this.#connection) resolve();
        else reject(new WitnessUnavailableError('not connected to ZooKeeper'));
      };
      const cancel = this.#ends.process.clock.schedule(waitMs, settle);
      this.#waiting.add(settle);
    });
  }

  /** The wire breaks: what is on it is lost, and both ends notice. */
  breakConnection(): void {
    this.#connection?.breakWire();
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.end('closed');
  }

  #open(): void {
    const { network, process } = this.#ends;
    process.clock.schedule(network.wayMs(false) * 2, () => {
      if (this.#isClosed) return;
      if (network.isAway('ZooKeeper')) {
        this.#retry();
        return;
      }
      const openedMs = network.time.monotonicMs();
      this.#connection = new SimulatedConnection(this.#ends, () => {
        this.#connection = undefined;
        if (network.time.monotonicMs() - openedMs > BACKOFF_MAX_MS) this.#failures = 0;
        this.#retry();
      });
      for (const settle of [...this.#waiting]) settle();
    });
  }

  #retry(): void {
    const { network, process } = this.#ends;
    if (this.#isClosed) return;
    this.#failures += 1;
    const { random } = network;
    const backoffMs = backoff({ firstMs: BACKOFF_FIRST_MS, capMs: BACKOFF_MAX_MS, leastPart: 0, random });
    process.clock.schedule(backoffMs(this.#failures + 1), () => this.#open());
  }
}

/** One connection of one session. What connection.ts does about deadlines, losses and refusals is done here over a simulated wire. */
export class SimulatedConnection implements NodeConnection {
  readonly #ends: ZookeeperEnds;
  readonly #onEnded: () => void;
  readonly #session: ZkServerSession;
  readonly #calls = new Set<Call>();
  #state: 'connected' | 'ended' = 'connected';
  /** What was sent later arrives later, each way. */
  readonly #arrivesInMs: (wayMs: number) => number;
  #answeredMs = 0;
  /** Nothing passes any more: to the server, to the client. */
  #isCut = false;
  #isMute = false;
  readonly #outlives: () => void;
  #cancelDeadline: () => void = () => {};

  constructor(ends: ZookeeperEnds, onEnded: () => void) {
    this.#ends = ends;
    this.#onEnded = onEnded;
    const session = ends.ensemble.openSession(ends.process.name, () => this.#serverEnded());
    this.#session = session;
    this.#arrivesInMs = ends.network.inOrder('ZooKeeper');
    this.#outlives = ends.process.atDeath(() =>
      ends.network.time.schedule(SESSION_TIMEOUT_MS, () => ends.ensemble.closeSession(session)),
    );
  }

  call<T>(
    kind: CallKind,
    operation: string,
    start: (client: ZkRequests, done: (error: ZkError | null | undefined, result: T) => void) => void,
  ): Promise<T> {
    if (this.#state !== 'connected') {
      return Promise.reject(new WitnessUnavailableError(`${operation}: the connection to ZooKeeper is gone`));
    }
    return new Promise<T>((resolve, reject) => {
      let call: Call | undefined;
      const done = (error: ZkError | null | undefined, result: T) => {
        if (call === undefined || !this.#calls.delete(call)) return;
        if (this.#calls.size === 0) this.#cancelDeadline();
        if (error) reject(refused(kind, operation, error));
        else resolve(result);
      };
      const client = simulatedClient((request, answered) => {
        call = {
          kind,
          name: nameOf(request),
          operation,
          dueMs: this.#ends.network.time.monotonicMs() + DEADLINE_MS,
          lose: (reason) => reject(lost(kind, operation, reason)),
          isApplied: false,
          isLost: false,
        };
        if (this.#calls.size === 0) this.#watch(DEADLINE_MS);
        this.#calls.add(call);
        this.#send(call, request, answered);
      });
      start(client, done);
    });
  }

  /** The client gives the connection up; the server learns of it behind everything that is on its way. */
  end(reason: string): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#outlives();
    const { ensemble, network } = this.#ends;
    this.#cancelDeadline();
    for (const call of this.#calls) {
      call.isLost = true;
      if (call.kind === 'write' && call.isApplied) network.coverage.add('an unknown outcome that was applied');
      call.lose(reason);
    }
    this.#calls.clear();
    const session = this.#session;
    const closesInMs = this.#isCut ? SESSION_TIMEOUT_MS : this.#arrivesInMs(network.wayMs(false));
    network.time.schedule(closesInMs, () => ensemble.closeSession(session));
    this.#onEnded();
  }

  breakWire(): void {
    this.#isCut = true;
    this.#isMute = true;
    this.#noticeLater('the connection was closed');
  }

  /** Answers come in order, so that the oldest call is the first to miss its deadline: one timer serves them all. */
  #watch(ms: number): void {
    const { network, process } = this.#ends;
    this.#cancelDeadline = process.clock.schedule(ms, () => {
      const [oldest] = this.#calls;
      if (oldest === undefined) return;
      const leftMs = oldest.dueMs - network.time.monotonicMs();
      if (leftMs > 0) this.#watch(leftMs);
      else this.end(`${oldest.operation}: no answer within ${DEADLINE_MS} ms`);
    });
  }

  #serverEnded(): void {
    if (this.#calls.size > 0) this.#ends.network.coverage.add('an expiry with requests under way');
    this.#noticeLater('the session has expired');
  }

  #noticeLater(reason: string): void {
    const { network, process } = this.#ends;
    network.deliver(process, () => this.end(reason));
  }

  #send(call: Call, request: ZkRequest, answered: (answer: ZkAnswer) => void): void {
    const { network } = this.#ends;
    const fault = network.draw('ZooKeeper', call.name, call.kind, purposeOf(request));
    const arrivesInMs = this.#arrivesInMs(network.wayMs(fault === 'slow request'));
    network.time.schedule(arrivesInMs, () => this.#arrive(call, request, fault, answered));
  }

  #arrive(call: Call, request: ZkRequest, fault: NetworkFault, answered: (answer: ZkAnswer) => void): void {
    const { ensemble, network, process } = this.#ends;
    if (fault === 'lost request') this.#break();
    if (this.#isCut || !this.#session.isOpen) return;
    const answer = ensemble.request(this.#session, request, fault === 'stale');
    call.isApplied = answer.code === CODES.ok;
    if (call.isLost) {
      if (call.kind === 'write' && call.isApplied)
        network.coverage.add('a write applied after its caller had given up');
      return;
    }
    if (fault === 'lost answer') this.#break();
    if (this.#isMute) return;
    const nowMs = network.time.monotonicMs();
    // What a read found gets older on the way of the request that rests on it; its own way back need not take time too.
    const wayMs = call.kind === 'read' && fault !== 'slow answer' ? 0 : network.wayMs(fault === 'slow answer');
    this.#answeredMs = Math.max(this.#answeredMs, nowMs + wayMs);
    if (this.#answeredMs === nowMs) {
      process.deliver(() => answered(answer));
      return;
    }
    network.time.schedule(this.#answeredMs - nowMs, () => {
      if (this.#isMute) return;
      process.deliver(() => answered(answer));
    });
  }

  /** Half of the time the client is told, otherwise it hears nothing more and finds out by a deadline. */
  #break(): void {
    if (this.#ends.network.random() < 0.5) this.breakWire();
    this.#isCut = true;
    this.#isMute = true;
  }
}

function nameOf({ op, path }: ZkRequest): string {
  return path.includes('/released/') ? `zookeeper ${op} remainder` : `zookeeper ${op}`;
}

function purposeOf({ op, path }: ZkRequest): Purpose {
  if (path.includes('/released')) return 'remainder';
  return op === 'setData' ? 'lease' : 'other';
}

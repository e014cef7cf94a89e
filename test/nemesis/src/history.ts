/**
 * What happened in a run, one JSON object a line, in the order in which it became known: every request with its answer, every fault,
 * and at the end what the store, the ledger, ZooKeeper and the servers' logs say. The checker needs nothing else, so a history can be
 * judged again years later. Times are milliseconds since the run began, all of one monotonic clock.
 */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { CounterRange } from '@lakh/id-range';
import type { FaultName } from './catalogue.js';

export type HistoryEvent =
  | RunEvent
  | RequestEvent
  | FaultEvent
  | ProcessEvent
  | DatabaseEvent
  | RepairEvent
  | LeaseEvent
  | RowEvent
  | HeightsEvent
  | EntryEvent
  | LossEvent
  | AlarmEvent;

/** The first line. */
export interface RunEvent {
  readonly type: 'run';
  readonly seed: number;
  readonly startedAt: string;
  readonly rangeSize: number;
  /** Where counters begin. */
  readonly firstMark: number;
  /** Servers of several processes. */
  readonly withWorkers?: readonly string[];
  /** After this, a deleted link that is still followed is a fault of Lakh's. */
  readonly staleMs: number;
}

/** One request that was sent once, and what came back. Without a status there was no answer. */
export interface RequestEvent {
  readonly type: 'request';
  readonly op: 'create' | 'read' | 'delete';
  /** Whose; those of the closing look at every link are `check`. */
  readonly client: string;
  /** The server that was asked, `gateway` for any. */
  readonly target: string;
  readonly sentMs: number;
  readonly doneMs: number;
  /** Of a create: what was to be shortened. */
  readonly url?: string;
  /** What was asked for, or given by a 201. */
  readonly code?: string;
  readonly status?: number;
  /** Of a redirect. */
  readonly location?: string;
  /** Of a problem: its code. Without an answer: what happened to the connection. */
  readonly error?: string;
}

export interface FaultEvent {
  readonly type: 'fault';
  readonly fault: FaultName;
  readonly phase: 'begin' | 'end';
  readonly atMs: number;
  /** What was chosen: which server, how many bytes. */
  readonly detail?: string;
}

export interface ProcessEvent {
  readonly type: 'process';
  readonly server: string;
  readonly pid: number;
  readonly fate: 'started' | 'killed' | 'stopped';
  readonly atMs: number;
}

/**
 * The database's folder was copied, or a copy took its place; the server was down in between. What was acknowledged before `beganMs`
 * is in the copy, what was sent after `endedMs` of a restore is in what is there now, and of anything between nothing is known.
 */
export interface DatabaseEvent {
  readonly type: 'database';
  readonly did: 'copied' | 'restored';
  readonly copy: string;
  readonly beganMs: number;
  readonly endedMs: number;
}

/** What it took to make servers lease again after a witness was lost or set back. */
export interface RepairEvent {
  readonly type: 'repair';
  readonly witness: 'zookeeper' | 'mariadb' | 'both';
  /** The refusal that servers gave meanwhile; absent where none was seen. */
  readonly refusal?: string;
  readonly how: string;
  readonly atMs: number;
}

/** A row of the ledger at the end. */
export interface LeaseEvent extends CounterRange {
  readonly type: 'lease';
  readonly state: string;
  readonly serverId: string;
}

/** A link in the store at the end. `kind`: 1 generated, 2 alias, 3 deleted. */
export interface RowEvent {
  readonly type: 'row';
  readonly counter: number;
  readonly code: string;
  readonly kind: number;
  readonly url: string;
}

/** The witnesses at the end. */
export interface HeightsEvent {
  readonly type: 'heights';
  readonly next: number;
  readonly ledgered: number;
  readonly head: number;
}

/** A remainder that waits in ZooKeeper at the end. */
export interface EntryEvent extends CounterRange {
  readonly type: 'entry';
}

/** Counters that a server said it would never issue. */
export interface LossEvent extends CounterRange {
  readonly type: 'loss';
  /** Its id, as the ledger has it. */
  readonly server: string;
  readonly reason: string;
}

/** A server's log has what no log may have. */
export interface AlarmEvent {
  readonly type: 'alarm';
  readonly server: string;
  readonly message: string;
}

/** Appends to a history file; a line is in the file when `add` returns, so that a run that dies leaves what it knew. */
export class HistoryWriter {
  readonly file: string;
  readonly #fd: number;
  readonly #startMs = performance.now();
  #pending: string[] = [];
  #pendingLength = 0;

  constructor(file: string) {
    this.file = file;
    this.#fd = openSync(file, 'w', 0o600);
  }

  /** Milliseconds since the run began. */
  nowMs(): number {
    return Math.round((performance.now() - this.#startMs) * 1000) / 1000;
  }

  add(event: HistoryEvent): void {
    const line = `${JSON.stringify(event)}\n`;
    this.#pending.push(line);
    this.#pendingLength += line.length;
    // Requests come by the hundred; what is rarer explains them and is not held back.
    if (event.type !== 'request' || this.#pendingLength > WRITE_AT_LENGTH) this.flush();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    writeSync(this.#fd, this.#pending.join(''));
    this.#pending = [];
    this.#pendingLength = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#fd);
  }
}

const WRITE_AT_LENGTH = 16_384;

/** The events of a history file, in order. Rejects at a line that is not JSON, and names it. */
export async function* readHistory(file: string): AsyncGenerator<HistoryEvent> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    try {
      yield JSON.parse(line) as HistoryEvent;
    } catch {
      throw new Error(`${file}: line ${number} is not JSON`);
    }
  }
}

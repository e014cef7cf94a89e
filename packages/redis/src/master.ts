import { createHash } from 'node:crypto';
import { Deadlines } from './deadline.js';
import { MasterEndedError, NotAMasterError, RedisBusyError, RedisDeadlineError } from './errors.js';
import { Failures } from './failures.js';
import { type Access, connectNode, type Node, type NodeAddress, nameOf } from './node.js';

/** How often a master says that it is one, when nobody asks it to in between. */
const CONFIRM_INTERVAL_MS = 250;
/** A server that is silent for longer is frozen. */
const SILENCE_MS = 1_000;
/**
 * Commands that may be under way: 40,000 a second at the default deadline. More come only when answers do not, and would be
 * late themselves.
 */
const MAX_UNSETTLED = 4_096;

/** Refusals that say that this is not, or not now, the master of what it was asked for. */
const NOT_THE_MASTER = /^(MOVED|READONLY|LOADING|MASTERDOWN) (\d*)/;
/** Refusals that the next command would meet too. */
const OF_EVERY_COMMAND = /^(CLUSTERDOWN|BUSY) /;

export interface Script {
  readonly text: string;
  readonly sha1: string;
}

export function createScript(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

export interface MasterOptions {
  readonly address: NodeAddress;
  readonly access: Access;
  readonly generation: number;
  readonly deadlineMs: number;
  /** Called once, before anything that waits for an answer is told. */
  readonly ended: (master: Master, error: Error) => void;
  /** Whether something is known of this slot by its master: what is none of its own ends it then. */
  readonly isBound: (slot: number) => boolean;
  /** Something was refused that another view of the topology may explain. */
  readonly doubted: () => void;
}

interface Replication {
  readonly role: string;
  readonly id: string;
}

/**
 * A master and the one connection to it, which is what anything that is known of it is known by. It ends with that connection, when it says that
 * something is not its own (any more), when it is no master or goes on from another history, when a topology takes slots from it, and when too much
 * that it is asked goes without an answer. Then everything that waits for it is rejected, and it does not come back: who is master next is another object.
 */
export class Master {
  /** Grows with each master of a process. */
  readonly generation: number;
  /** host:port, or the path of its socket. */
  readonly name: string;
  readonly #options: MasterOptions;
  readonly #node: Node;
  readonly #replicationId: string;
  readonly #deadlines: Deadlines;
  readonly #silence: Deadlines;
  readonly #failures = new Failures(() => performance.now());
  #confirmTimer: NodeJS.Timeout | undefined;
  #endedBy: Error | undefined;

  /** As {@link openMaster} makes it. */
  constructor(options: MasterOptions, node: Node, replicationId: string) {
    this.#options = options;
    this.#node = node;
    this.#replicationId = replicationId;
    this.generation = options.generation;
    this.name = nameOf(options.address);
    this.#deadlines = new Deadlines(options.deadlineMs);
    this.#silence = new Deadlines(SILENCE_MS);
    this.#confirmSoon();
  }

  get isEnded(): boolean {
    return this.#endedBy !== undefined;
  }

  /**
   * Sends one command; those of one turn of the event loop travel in one piece, and are answered in order. Rejects with the server's refusal, when no
   * answer came within the deadline, when too many are under way, and with {@link MasterEndedError}.
   *
   * @param deadlines instead of this master's own
   */
  async send(args: readonly string[], deadlines: Deadlines = this.#deadlines): Promise<unknown> {
    if (this.#endedBy !== undefined) throw this.#endedBy;
    if (this.#deadlines.unsettled >= MAX_UNSETTLED) throw new RedisBusyError('too many commands are under way');
    try {
      const answer = await deadlines.race(this.#node.sendCommand(args));
      this.#failures.answered();
      return answer;
    } catch (error) {
      throw this.#judge(error);
    }
  }

  /** The first so many bytes, however much somebody has put there; empty where there is nothing. */
  get(key: string, maxLength: number): Promise<string> {
    return this.send(['GETRANGE', key, '0', String(maxLength - 1)]) as Promise<string>;
  }

  /** Runs a script, which the server is sent once. */
  async run(
    { text, sha1 }: Script,
    keys: readonly string[],
    args: readonly string[],
    deadlines?: Deadlines,
  ): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.send(['EVALSHA', sha1, ...rest], deadlines);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.send(['EVAL', text, ...rest], deadlines);
    }
  }

  /**
   * Listens on the same connection: what is heard ends with it, too. Rejects where the server refuses.
   *
   * @returns what ends it
   */
  async subscribe(channel: string, listener: (message: string) => void): Promise<() => void> {
    if (this.#endedBy !== undefined) throw this.#endedBy;
    try {
      await this.#silence.race(this.#node.subscribe(channel, listener));
    } catch (error) {
      throw this.#judge(error);
    }
    return () => {
      if (!this.isEnded) this.#node.unsubscribe(channel, listener).catch(() => {});
    };
  }

  /**
   * Asks whether it is the master still that it was from the start. What was sent before this was answered by a master if this resolves;
   * if not, it has ended.
   */
  async confirm(): Promise<void> {
    if (this.#endedBy !== undefined) throw this.#endedBy;
    try {
      const { role, id } = await askReplication(this.#node, this.#silence);
      if (role !== 'master') throw new NotAMasterError(`it is ${article(role)} now`);
      if (id !== this.#replicationId) throw new NotAMasterError('it goes on from another history');
    } catch (error) {
      this.end(error);
      throw this.#endedBy;
    }
  }

  /** Ends it; a second time changes nothing. */
  end(error: unknown): void {
    if (this.#endedBy !== undefined) return;
    const ended = new MasterEndedError(`${this.name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
    this.#endedBy = ended;
    clearTimeout(this.#confirmTimer);
    this.#options.ended(this, ended);
    this.#node.destroy();
  }

  #confirmSoon(): void {
    this.#confirmTimer = setTimeout(() => {
      this.confirm().then(
        () => this.isEnded || this.#confirmSoon(),
        () => {},
      );
    }, CONFIRM_INTERVAL_MS);
    this.#confirmTimer.unref();
  }

  /** What a command's failure says of the master; returns what its sender is told. */
  #judge(error: unknown): unknown {
    if (this.#endedBy !== undefined) return this.#endedBy;
    if (error instanceof RedisDeadlineError) {
      if (this.#failures.failed()) this.end(error);
      return error;
    }
    const refusal = String((error as Error).message);
    const [, kind, slot] = NOT_THE_MASTER.exec(refusal) ?? [];
    if (kind !== undefined && (kind !== 'MOVED' || this.#options.isBound(Number(slot)))) {
      this.end(error);
    } else if (OF_EVERY_COMMAND.test(refusal)) {
      this.#options.doubted();
      if (this.#failures.failed()) this.end(error);
    } else {
      if (kind !== undefined) this.#options.doubted();
      this.#failures.answered();
    }
    return error;
  }
}

function article(role: string): string {
  return role === 'slave' ? 'a replica' : `a ${role || 'server that does not say what it is'}`;
}

/** @throws NotAMasterError, or whatever kept the connection from being made */
export async function openMaster(options: MasterOptions, signal: AbortSignal): Promise<Master> {
  let master: Master | undefined;
  let lostBy: unknown;
  const node = await connectNode(options.address, options.access, {
    signal,
    lost(error) {
      lostBy = error;
      master?.end(error);
    },
  });
  const stop = () => node.destroy();
  signal.addEventListener('abort', stop);
  try {
    const silence = new Deadlines(SILENCE_MS);
    // INFO is answered while a snapshot is being loaded, PING is not.
    const [{ role, id }] = await Promise.all([askReplication(node, silence), silence.race(node.sendCommand(['PING']))]);
    if (role !== 'master') throw new NotAMasterError(`${nameOf(options.address)} is ${article(role)}, and no master`);
    signal.throwIfAborted();
    if (lostBy !== undefined) throw lostBy;
    master = new Master(options, node, id);
    return master;
  } catch (error) {
    node.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function askReplication(node: Node, silence: Deadlines): Promise<Replication> {
  const info = String(await silence.race(node.sendCommand(['INFO', 'replication'])));
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  return { role: field('role'), id: field('master_replid') };
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SYSTEM_PATH } from '../config.js';
import { StartFailedError } from '../errors.js';
import { makeFolder, ownerOf } from '../servers/owner.js';
import { CELL, CELL_ROOT, KEYSPACE, RPC_LOGIN_FLAG, tabletAlias, writeRpcLogin } from './plans.js';

const COMMAND_DEADLINE_MS = 60_000;
const RETRY_MS = 250;
/** A tablet that has just started makes its own tables first. */
const TABLET_DEADLINE_MS = 60_000;
const COPY_DEADLINE_MS = 600_000;
/** That the copies follow before the traffic goes over to them. */
const SETTLE_MS = 1_000;

export interface VitessControlOptions {
  readonly programs: string;
  /** Of vtctld. */
  readonly port: number;
  readonly password: string;
  /** A folder of its own. */
  readonly dir: string;
  /** ZooKeepers, `host:port,…`. */
  readonly topology: string;
  readonly vschemaFile: string;
  readonly report?: (line: string) => void;
}

export interface ReshardOptions {
  readonly from: string;
  readonly to: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** What an operator does with `vtctldclient`. */
export class VitessControl {
  readonly #options: VitessControlOptions;

  constructor(options: VitessControlOptions) {
    this.#options = options;
  }

  /** One command; resolves with what it prints, rejects with what it says is wrong. */
  async command(...args: readonly string[]): Promise<string> {
    const { programs, port, password, dir } = this.#options;
    const owner = ownerOf(dir);
    makeFolder(dir, owner);
    await writeRpcLogin(owner, dir, password);
    const all = [`--server=127.0.0.1:${port}`, RPC_LOGIN_FLAG, ...args];
    return new Promise((resolve, reject) => {
      execFile(
        join(programs, 'vtctldclient'),
        all,
        { cwd: dir, env: { PATH: SYSTEM_PATH, HOME: dir }, ...owner, timeout: COMMAND_DEADLINE_MS, maxBuffer: 2 ** 26 },
        (error, stdout, stderr) => {
          if (error) reject(new StartFailedError(`vtctldclient ${args[0]}: ${lastLine(stderr) || error.message}`));
          else resolve(stdout);
        },
      );
    });
  }

  /** The cell, the keyspace and its shards; harmless when they are there. */
  async createKeyspace(shards: readonly string[], keyspace: string = KEYSPACE): Promise<void> {
    const { topology } = this.#options;
    await this.#unlessThere('AddCellInfo', `--root=${CELL_ROOT}`, `--server-address=${topology}`, CELL);
    await this.#unlessThere('CreateKeyspace', '--durability-policy=none', keyspace);
    for (const shard of shards) await this.#unlessThere('CreateShard', `${keyspace}/${shard}`);
  }

  /** Tells a tablet that its MariaDB is its shard's primary, and waits until it serves. */
  async makePrimary(uid: number, signal?: AbortSignal): Promise<void> {
    await this.#retried(TABLET_DEADLINE_MS, signal, () => this.command('TabletExternallyReparented', tabletAlias(uid)));
  }

  /** Which table lies by what: the layout that Lakh ships. */
  async applyVschema(): Promise<void> {
    await this.command('ApplyVSchema', `--vschema-file=${this.#options.vschemaFile}`, KEYSPACE);
  }

  /**
   * Copies a shard to others that share its range, lets them take its traffic, and ends it. Under way, writes to the range wait for a second or
   * two. The targets need a primary each.
   */
  async reshard({ from, to, signal }: ReshardOptions): Promise<void> {
    const workflow = ['Reshard', `--workflow=${workflowName(from)}`, `--target-keyspace=${KEYSPACE}`];
    const target = [`--source-shards=${from}`, `--target-shards=${to.join(',')}`];
    await this.#move(workflow, target, { from, to: to.join(', '), signal });
    await this.#attempted(workflow, signal, 'complete');
  }

  /**
   * Copies all tables of another keyspace to Lakh's shards, and lets these take its traffic, also that of whoever still names the other: until
   * {@link completeMove}. As {@link reshard}.
   */
  async moveTables(from: string, signal?: AbortSignal): Promise<void> {
    const source = [`--source-keyspace=${from}`, '--all-tables'];
    await this.#move(moveOf(from), source, { from, to: KEYSPACE, signal });
  }

  /** Nobody names the other keyspace any more. Its tables stay, under other names, so that a write of somebody who does all the same is refused. */
  async completeMove(from: string): Promise<void> {
    await this.#attempted(moveOf(from), undefined, 'complete', '--rename-tables');
  }

  async #move(
    workflow: readonly string[],
    what: readonly string[],
    { from, to, signal }: { from: string; to: string; signal: AbortSignal | undefined },
  ): Promise<void> {
    const { report = () => {} } = this.#options;
    await this.#attempted(workflow, signal, 'create', ...what);
    report(`${from} is copied to ${to}`);
    await this.#copied(workflow, signal);
    await sleep(SETTLE_MS, undefined, { signal });
    await this.#attempted(workflow, signal, 'SwitchTraffic');
    report(`${to} have the traffic of ${from}`);
  }

  #attempted(
    workflow: readonly string[],
    signal: AbortSignal | undefined,
    ...args: readonly string[]
  ): Promise<string> {
    return this.#retried(TABLET_DEADLINE_MS, signal, () => this.command(...workflow, ...args));
  }

  /** Takes a shard whose traffic others have out of the topology; its tablets have ended. */
  async forgetShard(shard: string): Promise<void> {
    await this.command('DeleteShards', '--recursive', '--force', '--even-if-serving', `${KEYSPACE}/${shard}`);
  }

  /** Shards that serve, in the order of their ranges. */
  async shards(): Promise<readonly string[]> {
    const tablets = JSON.parse(await this.command('FindAllShardsInKeyspace', KEYSPACE)) as Record<
      string,
      { readonly shard?: { readonly is_primary_serving?: boolean } }
    >;
    return Object.entries(tablets)
      .filter(([, { shard }]) => shard?.is_primary_serving)
      .map(([name]) => name)
      .sort();
  }

  async #copied(workflow: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const deadline = performance.now() + COPY_DEADLINE_MS;
    for (;;) {
      const streams = streamsOf(await this.command(...workflow, 'show'));
      const isCopied = ({ state, copy_states: copies = [] }: Stream) => state === 'Running' && copies.length === 0;
      if (streams.length > 0 && streams.every(isCopied)) return;
      if (performance.now() > deadline) {
        const told = streams.map(({ state, message = '' }) => `${state} ${message}`.trim());
        throw new StartFailedError(`the copy is not done: ${told.join(', ')}`);
      }
      await sleep(RETRY_MS, undefined, { signal });
    }
  }

  async #unlessThere(...args: readonly string[]): Promise<void> {
    await this.#retried(TABLET_DEADLINE_MS, undefined, () =>
      this.command(...args).catch((error: Error) => {
        if (!/node already exists|already exists/i.test(error.message)) throw error;
        return '';
      }),
    );
  }

  async #retried(deadlineMs: number, signal: AbortSignal | undefined, attempt: () => Promise<string>): Promise<string> {
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(RETRY_MS, undefined, { signal });
      }
    }
  }
}

/** One copy of a part of a shard. */
interface Stream {
  readonly state: string;
  readonly message?: string;
  /** Tables that are still being copied. */
  readonly copy_states?: readonly unknown[];
}

/** Of what `show` prints of a workflow. */
function streamsOf(shown: string): readonly Stream[] {
  const { workflows = [] } = JSON.parse(shown) as {
    readonly workflows?: readonly {
      readonly shard_streams?: Readonly<Record<string, { readonly streams?: readonly Stream[] }>>;
    }[];
  };
  return workflows.flatMap(({ shard_streams: shards = {} }) =>
    Object.values(shards).flatMap(({ streams = [] }) => streams),
  );
}

const moveOf = (from: string) => ['MoveTables', `--workflow=move_${from}`, `--target-keyspace=${KEYSPACE}`];

/** `-80`, `40-80` and the like hold nothing but digits, letters and a dash. */
function workflowName(from: string): string {
  return `split_${from.replace('-', '_to_')}`;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

import type { Config } from '../config.js';
import type { Scope } from '../scope.js';
import type { Group } from './figures.js';
import type { Pinning } from './machine.js';
import type { Profile } from './report.js';
import type { Trial } from './trials.js';

/** What a server of ours runs in. */
export interface Surroundings {
  /** The repository's folder. */
  readonly root: string;
  /** A folder of its own for data, configuration and logs. */
  readonly dir: string;
  readonly config: Config;
  /** Where it runs; undefined: the scheduler's choice. */
  readonly pinning: { readonly server: number | readonly number[] | undefined };
  readonly scope: Scope;
}

/** What a benchmark runs in. */
export interface Bench extends Surroundings {
  readonly pinning: Pinning;
  /** Small sets: only to see that everything runs. */
  readonly quick: boolean;
  /** How often the leader is killed. */
  readonly kills: number;
  /** Counters issued before memory is looked at again. */
  readonly ids: number;
  /** In the larger of two tables. */
  readonly links: number;
  /** Seconds without a request, before the first is timed. */
  readonly idle: number;
  /** Whether the group or trial of this id is to be measured. */
  wants(id: string): boolean;
}

/** A benchmark whose servers are up and whose data is there. */
export interface PreparedBench {
  readonly groups: readonly Group[];
  /** Run one by one after all groups. */
  readonly trials?: readonly Trial[];
  readonly notes: readonly string[];
  /** Runs each of ours once more, for `seconds`, under a profiler. */
  profile(seconds: number): Promise<Profile[]>;
}

export type PrepareBench = (bench: Bench) => Promise<PreparedBench>;

import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { feedsLinks } from '@lakh/facts';
import type { RunningServer } from '@lakh/operations';
import { type Logger, thisProcess } from '@lakh/process';
import { openEmbedded } from '@lakh/sqlite';
import type { Backend } from '../backend.js';
import { startKeySweep } from '../key-sweep.js';
import { SharedKeys } from '../shared-keys.js';

export interface FileOptions {
  readonly settings: { readonly dataDir: string; readonly namespace: string };
  readonly log?: Pick<Logger, 'info' | 'warn'>;
  /** For a restore: a copy of a file that was open is opened too. */
  readonly takesCopy?: boolean;
}

/**
 * A lease of this process takes milliseconds from its mark to its row. It need not wait for older attempts: no process outlives the
 * restore of the file that it has open.
 */
const SETTLE_MS = 200;

/** The data file of a folder, there or not. */
export function dataFileIn(dataDir: string): string {
  return join(resolve(dataDir), 'lakh.db');
}

/**
 * A system in one data file, which is made when it is missing and kept for this process alone.
 *
 * @throws DataDirInUseError when another process has it, RestoreNeededError when it is a copy of a file that was open, and the other errors of opening a data file
 */
export function openFile({ settings: { dataDir, namespace }, log, takesCopy = false }: FileOptions): Backend {
  const file = dataFileIn(dataDir);
  const embedded = openEmbedded({ file, takesCopy, ...(log && { log }) });
  /** Nobody else has the file open: who runs is who was registered here. */
  const running = new Set<RunningServer>();
  const witnesses = () => ({
    marks: embedded.markStore(namespace),
    ledger: embedded.ledger(namespace),
    remainders: embedded.remainderStore(namespace),
  });

  const keys = new SharedKeys(embedded.facts);
  return {
    name: realpathSync(file),
    links: embedded.links,
    reservations: embedded.reservations,
    facts: embedded.facts,
    cache: undefined,
    changes: undefined,
    busyCodes: undefined,
    isCacheProven: () => false,
    counters: undefined,
    hasten: undefined,
    keys,
    checks: {},
    sources: [],
    witnesses,
    async admin() {
      return {
        ...embedded.admin(namespace, await feedsLinks(embedded.facts, namespace)),
        facts: embedded.facts,
        remainders: embedded.remainderStore(namespace),
        runningServers: async () => [...running],
        settleMs: running.size === 0 ? 0 : SETTLE_MS,
        restored: async () => embedded.restored(),
      };
    },
    // Opening it did the rest.
    prepare: () => keys.load(),
    loadKeys: () => keys.load(),
    reachLinks: async () => {},
    register(serverId) {
      const server = thisProcess(serverId);
      running.add(server);
      return () => running.delete(server);
    },
    relay: () => async () => {},
    sweep: (restoreMs) =>
      startKeySweep({
        reservations: embedded.reservations,
        links: embedded.links,
        restoreMs,
        clock: { nowMs: Date.now },
        log: undefined,
      }),
    async close() {
      embedded.close();
    },
  };
}

import { SampleLinks } from '@lakh/testkit';
import {
  createMysqlLinkStore,
  type Database,
  type Member,
  type MysqlLinkStore,
  openDatabase,
  proveRowsAreTaken,
} from '../src/index.js';

export const sample = new SampleLinks();

export interface OpenMembers {
  readonly database: Database;
  readonly store: MysqlLinkStore;
  /** Each that became the primary, by its name. */
  readonly primaries: string[];
  /** What was told of why no member is written to; empty for "one is again". */
  readonly problems: string[];
}

export function openMembers(members: readonly Member[], deadlineMs: number): OpenMembers {
  const primaries: string[] = [];
  const problems: string[] = [];
  const database = openDatabase({
    members,
    deadlineMs,
    proof: proveRowsAreTaken,
    observer: {
      primary: (member) => primaries.push(member),
      primaryProblem: (problem) => problems.push(problem),
    },
  });
  const store = createMysqlLinkStore({ pool: database, clock: { nowMs: () => 1_790_000_000_000 } });
  return { database, store, primaries, problems };
}

/** Sixteen callers that create as fast as they are answered, until stopped. */
export function createUnderLoad({ store }: OpenMembers) {
  const acknowledged: string[] = [];
  let isRunning = true;
  const callers = Array.from({ length: 16 }, async () => {
    while (isRunning) {
      const link = sample.generated();
      const outcome = await store.insert(link).then(
        (done) => done.outcome,
        (error: { code?: string }) => error.code,
      );
      if (outcome === 'inserted') {
        acknowledged.push(link.code);
        continue;
      }
      expect(['store_unavailable', 'store_outcome_unknown']).toContain(outcome);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  return {
    acknowledged,
    async stop(): Promise<void> {
      isRunning = false;
      await Promise.all(callers);
    },
  };
}

/** Makes links, has somebody else look for each at once, and gives the codes that were not found. */
export async function missingOf(writer: OpenMembers, reader: OpenMembers, links: number): Promise<readonly string[]> {
  const missing: string[] = [];
  const makeAndFind = async () => {
    const link = sample.generated();
    await writer.store.insert(link);
    const found = await reader.store.sight(0, link.code);
    if (found?.link.version !== 1) missing.push(link.code);
  };
  for (let made = 0; made < links; made += 50) await Promise.all(Array.from({ length: 50 }, makeAndFind));
  return missing;
}

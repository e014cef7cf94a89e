import type { FaultName } from '../catalogue.js';
import type { FaultEvent, HistoryEvent, RequestEvent } from '../history.js';
import { type CounterFindings, judgeCounters } from './counters.js';
import { type Evidence, gather, isAcknowledged, placeIn } from './evidence.js';
import { judgeHolders } from './holders.js';
import { DatabaseLineage } from './lineage.js';
import { judgeLinks, type LinkFindings } from './links.js';

export interface FaultCount {
  readonly fault: FaultName;
  readonly times: number;
  /** How long it lasted in all, with what it took to be whole again. Seconds. */
  readonly seconds: number;
  /** Creates that were sent meanwhile, acknowledged or not. */
  readonly acknowledged: number;
  readonly failed: number;
}

export interface Verdict {
  readonly seed: number;
  /** Empty: no key repeated, and nothing that was acknowledged is lost that may not be. */
  readonly violations: readonly string[];
  readonly requests: { readonly create: number; readonly read: number; readonly delete: number };
  readonly failedCreates: number;
  readonly links: Omit<LinkFindings, 'violations'>;
  readonly counters: Omit<CounterFindings, 'violations'>;
  readonly faults: readonly FaultCount[];
  /** What servers said while a witness was lost or set back, and what it took. */
  readonly repairs: readonly { readonly witness: string; readonly refusal: string | undefined; readonly how: string }[];
}

/** Judges a history: the same events give the same verdict, whoever asks and when. */
export async function checkHistory(events: Iterable<HistoryEvent> | AsyncIterable<HistoryEvent>): Promise<Verdict> {
  const evidence = await gather(events);
  const lineage = new DatabaseLineage(evidence.database);
  const { violations: ofLinks, ...links } = judgeLinks(evidence, lineage);
  const { violations: ofCounters, ...counters } = judgeCounters(evidence, lineage.wasRestored);
  const unfinished = evidence.heights === undefined ? ['the run ended before anybody looked at the witnesses'] : [];
  const count = (op: RequestEvent['op']) => evidence.requests.filter((request) => request.op === op).length;
  return {
    seed: evidence.run.seed,
    violations: [
      ...evidence.alarms,
      ...ofLinks,
      ...ofCounters,
      ...judgeHolders(evidence, lineage.wasRestored),
      ...unfinished,
    ],
    requests: { create: count('create'), read: count('read'), delete: count('delete') },
    failedCreates: evidence.requests.filter((request) => request.op === 'create' && !isAcknowledged(request)).length,
    links,
    counters,
    faults: countFaults(evidence),
    repairs: evidence.repairs.map(({ witness, refusal, how }) => ({ witness, refusal, how })),
  };
}

function countFaults({ faults, requests }: Evidence): FaultCount[] {
  const creates = requests.filter(({ op }) => op === 'create').sort((a, b) => a.sentMs - b.sentMs);
  const sentBefore = (ms: number) => placeIn(creates, ({ sentMs }) => sentMs < ms);
  const counts = new Map<FaultName, FaultCount>();
  const begun = new Map<FaultName, FaultEvent>();
  for (const event of faults) {
    if (event.phase === 'begin') {
      begun.set(event.fault, event);
      continue;
    }
    const fromMs = begun.get(event.fault)?.atMs ?? event.atMs;
    const meanwhile = creates.slice(sentBefore(fromMs), sentBefore(event.atMs));
    const acknowledged = meanwhile.filter(isAcknowledged).length;
    const before = counts.get(event.fault);
    counts.set(event.fault, {
      fault: event.fault,
      times: (before?.times ?? 0) + 1,
      seconds: (before?.seconds ?? 0) + (event.atMs - fromMs) / 1000,
      acknowledged: (before?.acknowledged ?? 0) + acknowledged,
      failed: (before?.failed ?? 0) + meanwhile.length - acknowledged,
    });
  }
  return [...counts.values()];
}

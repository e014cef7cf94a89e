import type { HistoryEvent, RequestEvent } from '../history.js';

type Of<T extends HistoryEvent['type']> = readonly Extract<HistoryEvent, { type: T }>[];

/** A history, sorted by kind. */
export interface Evidence {
  readonly run: Of<'run'>[number];
  readonly requests: Of<'request'>;
  readonly faults: Of<'fault'>;
  readonly processes: Of<'process'>;
  readonly database: Of<'database'>;
  readonly repairs: Of<'repair'>;
  readonly leases: Of<'lease'>;
  readonly rows: Of<'row'>;
  readonly entries: Of<'entry'>;
  readonly losses: Of<'loss'>;
  readonly alarms: readonly string[];
  /** Absent when the run ended before it could look. */
  readonly heights: Of<'heights'>[number] | undefined;
}

export type Acknowledged = RequestEvent & { readonly code: string; readonly url: string };

/** A create that was answered with a code. */
export function isAcknowledged(event: RequestEvent): event is Acknowledged {
  return event.op === 'create' && event.status === 201 && event.code !== undefined && event.url !== undefined;
}

/** Throws when the first line of a history is missing. */
export async function gather(events: Iterable<HistoryEvent> | AsyncIterable<HistoryEvent>): Promise<Evidence> {
  const all = new Map<HistoryEvent['type'], HistoryEvent[]>();
  for await (const event of events) {
    const known = all.get(event.type);
    if (known) known.push(event);
    else all.set(event.type, [event]);
  }
  const of = <T extends HistoryEvent['type']>(type: T) => (all.get(type) ?? []) as unknown as Of<T>;
  const run = of('run').at(-1);
  if (run === undefined) throw new Error('a history begins with a line about its run');
  return {
    run,
    requests: of('request'),
    faults: of('fault'),
    processes: of('process'),
    database: of('database'),
    repairs: of('repair'),
    leases: of('lease'),
    rows: of('row'),
    entries: of('entry'),
    losses: of('loss'),
    alarms: of('alarm').map(({ server, message }) => `${server}: ${message}`),
    heights: of('heights').at(-1),
  };
}

/** Where the first of `sorted` is for which `isBefore` does not hold. */
export function placeIn<T>(sorted: readonly T[], isBefore: (item: T) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(sorted[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}

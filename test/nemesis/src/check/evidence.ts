import type {
  DatabaseEvent,
  EntryEvent,
  FaultEvent,
  HeightsEvent,
  HistoryEvent,
  LeaseEvent,
  LossEvent,
  ProcessEvent,
  RepairEvent,
  RequestEvent,
  RowEvent,
  RunEvent,
} from '../history.js';

/** A history, sorted by kind. */
export interface Evidence {
  readonly run: RunEvent;
  readonly requests: readonly RequestEvent[];
  readonly faults: readonly FaultEvent[];
  readonly processes: readonly ProcessEvent[];
  readonly database: readonly DatabaseEvent[];
  readonly repairs: readonly RepairEvent[];
  readonly leases: readonly LeaseEvent[];
  readonly rows: readonly RowEvent[];
  readonly entries: readonly EntryEvent[];
  readonly losses: readonly LossEvent[];
  readonly alarms: readonly string[];
  /** Absent when the run ended before it could look. */
  readonly heights: HeightsEvent | undefined;
}

export type Acknowledged = RequestEvent & { readonly code: string; readonly url: string };

/** A create that was answered with a code. */
export function isAcknowledged(event: RequestEvent): event is Acknowledged {
  return event.op === 'create' && event.status === 201 && event.code !== undefined && event.url !== undefined;
}

/** Throws when the first line of a history is missing. */
export async function gather(events: Iterable<HistoryEvent> | AsyncIterable<HistoryEvent>): Promise<Evidence> {
  const found = {
    requests: [] as RequestEvent[],
    faults: [] as FaultEvent[],
    processes: [] as ProcessEvent[],
    database: [] as DatabaseEvent[],
    repairs: [] as RepairEvent[],
    leases: [] as LeaseEvent[],
    rows: [] as RowEvent[],
    entries: [] as EntryEvent[],
    losses: [] as LossEvent[],
    alarms: [] as string[],
  };
  let run: RunEvent | undefined;
  let heights: HeightsEvent | undefined;
  for await (const event of events) {
    switch (event.type) {
      case 'run':
        run = event;
        break;
      case 'request':
        found.requests.push(event);
        break;
      case 'fault':
        found.faults.push(event);
        break;
      case 'process':
        found.processes.push(event);
        break;
      case 'database':
        found.database.push(event);
        break;
      case 'repair':
        found.repairs.push(event);
        break;
      case 'lease':
        found.leases.push(event);
        break;
      case 'row':
        found.rows.push(event);
        break;
      case 'entry':
        found.entries.push(event);
        break;
      case 'loss':
        found.losses.push(event);
        break;
      case 'alarm':
        found.alarms.push(`${event.server}: ${event.message}`);
        break;
      case 'heights':
        heights = event;
        break;
    }
  }
  if (run === undefined) throw new Error('a history begins with a line about its run');
  return { ...found, run, heights };
}

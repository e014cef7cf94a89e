import type { HistoryEvent, RequestEvent } from '../src/history';

export const FIRST = 100_000;
export const PID = { killed: 101, stopped: 102 } as const;

type Part<T extends HistoryEvent['type']> = Partial<Extract<HistoryEvent, { type: T }>>;

let clockMs = 0;

/** A create that was answered; each a millisecond after what was made before it. */
export function create(code: string, more: Partial<RequestEvent> = {}): RequestEvent {
  clockMs += 2;
  const url = `https://example.com/${code}`;
  const times = { sentMs: clockMs, doneMs: clockMs + 1 };
  return { type: 'request', op: 'create', client: 'a', target: 'gateway', ...times, url, code, status: 201, ...more };
}

/** A create without an answer. */
export function failure(more: Partial<RequestEvent> = {}): RequestEvent {
  const { code: _, status: __, ...rest } = create('none', more);
  return { ...rest, error: 'socket hang up' };
}

export function read(code: string, more: Partial<RequestEvent> = {}): RequestEvent {
  const { url, ...rest } = create(code);
  return { ...rest, op: 'read', target: 'gateway', status: 301, location: url as string, ...more };
}

/** The closing look at a link. */
export const look = (code: string, more: Partial<RequestEvent> = {}): RequestEvent =>
  read(code, { client: 'check', ...more });

export function remove(code: string, more: Partial<RequestEvent> = {}): RequestEvent {
  const { url: _, ...rest } = create(code);
  return { ...rest, op: 'delete', status: 204, ...more };
}

export const row = (counter: number, code: string, more: Part<'row'> = {}): HistoryEvent => ({
  type: 'row',
  counter,
  code,
  kind: 1,
  url: `https://example.com/${code}`,
  ...more,
});

export const lease = (
  start: number,
  end: number,
  pid: number = PID.stopped,
  more: Part<'lease'> = {},
): HistoryEvent => ({
  type: 'lease',
  start,
  end,
  state: 'leased',
  serverId: `vm-${pid}-abc`,
  ...more,
});

export const loss = (start: number, end: number, reason: string, pid: number = PID.stopped): HistoryEvent => ({
  type: 'loss',
  server: `vm-${pid}-abc`,
  reason,
  start,
  end,
});

export const heights = (next: number, more: Part<'heights'> = {}): HistoryEvent => ({
  type: 'heights',
  next,
  ledgered: next,
  head: next,
  ...more,
});

export const database = (did: 'copied' | 'restored', beganMs: number, endedMs: number): HistoryEvent => ({
  type: 'database',
  did,
  copy: 'old',
  beganMs,
  endedMs,
});

export const nowMs = (): number => clockMs;

/** Time in which nothing happens. */
export function pass(ms: number): void {
  clockMs += ms;
}

const START: readonly HistoryEvent[] = [
  { type: 'run', seed: 1, startedAt: '', rangeSize: 10, firstMark: FIRST, staleMs: 1000 },
  { type: 'process', server: 'shorten-1', pid: PID.killed, fate: 'started', atMs: 0 },
  { type: 'process', server: 'shorten-2', pid: PID.stopped, fate: 'started', atMs: 0 },
  { type: 'process', server: 'gateway', pid: 103, fate: 'started', atMs: 0 },
  { type: 'process', server: 'shorten-1', pid: PID.killed, fate: 'killed', atMs: 1 },
  { type: 'process', server: 'shorten-2', pid: PID.stopped, fate: 'stopped', atMs: 2 },
];

export const history = (...events: readonly HistoryEvent[]): HistoryEvent[] => [...START, ...events];

/** Without the kill that explains most of what is lost. */
export const withoutKills = (events: readonly HistoryEvent[]): HistoryEvent[] =>
  events.filter((event) => !(event.type === 'process' && event.fate === 'killed'));

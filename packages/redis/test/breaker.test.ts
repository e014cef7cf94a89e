import { Breaker, type RedisState } from '../src/breaker.js';

const LATE = new Error('late');
let nowMs: number;
let changes: RedisState[];
let errors: unknown[];
let breaker: Breaker;

beforeEach(() => {
  nowMs = 1_000_000;
  changes = [];
  errors = [];
  breaker = new Breaker({
    quarantineMs: 2_000,
    nowMs: () => nowMs,
    onChange: (state, _reason, error) => {
      changes.push(state);
      if (state === 'down') errors.push(error);
    },
  });
});

const times = (count: number, run: () => void) => Array.from({ length: count }, run);

test('is down until the first probe is answered, and then up without a quarantine', () => {
  expect(breaker.state).toBe('down');
  breaker.probeAnswered();
  expect(breaker.state).toBe('up');
});

test('calls never close it', () => {
  times(100, () => breaker.success());
  expect(breaker.state).toBe('down');
});

test('a hiccup does not open it, three failures do', () => {
  breaker.probeAnswered();
  times(2, () => breaker.failure(LATE));
  expect(breaker.state).toBe('up');
  breaker.failure(LATE);
  expect(breaker.state).toBe('down');
});

test('late answers among many in time do not open it, a tenth of them does', () => {
  breaker.probeAnswered();
  times(1_000, () => breaker.success());
  times(99, () => breaker.failure(LATE));
  expect(breaker.state).toBe('up');
  times(20, () => breaker.failure(LATE));
  expect(breaker.state).toBe('down');
});

test('failures of a second ago are forgotten', () => {
  breaker.probeAnswered();
  times(2, () => breaker.failure(LATE));
  nowMs += 1_000;
  times(2, () => breaker.failure(LATE));
  expect(breaker.state).toBe('up');
});

test('after an outage it is quarantined first, then up', () => {
  breaker.probeAnswered();
  breaker.open('lost');
  nowMs += 60_000;
  expect(breaker.state).toBe('down');
  breaker.probeAnswered();
  expect(breaker.state).toBe('quarantine');
  nowMs += 1_999;
  expect(breaker.state).toBe('quarantine');
  nowMs += 1;
  expect(breaker.state).toBe('up');
  expect(changes).toEqual(['up', 'down', 'quarantine', 'up']);
});

test('an outage during the quarantine starts it anew', () => {
  breaker.probeAnswered();
  breaker.open('lost');
  breaker.probeAnswered();
  nowMs += 1_500;
  times(3, () => breaker.failure(LATE));
  expect(breaker.state).toBe('down');
  breaker.probeAnswered();
  nowMs += 1_500;
  expect(breaker.state).toBe('quarantine');
});

test('one late probe is forgiven, two in a row are not', () => {
  breaker.probeAnswered();
  breaker.probeFailed(LATE);
  breaker.probeAnswered();
  breaker.probeFailed(LATE);
  expect(breaker.state).toBe('up');
  breaker.probeFailed(LATE);
  expect(breaker.state).toBe('down');
});

test('a connection that failed before it ever worked is an outage, too', () => {
  breaker.open('refused');
  breaker.probeAnswered();
  expect(breaker.state).toBe('quarantine');
});

test('tells each outage with the error that opened it, whichever way, and one from the start once', () => {
  const [refused, late, silent, reset] = ['refused', 'late', 'silent', 'reset'].map((what) => new Error(what));
  times(3, () => breaker.open('no connection', refused));
  breaker.probeAnswered();
  nowMs += 2_000;
  times(3, () => breaker.failure(late));
  breaker.probeAnswered();
  times(2, () => breaker.probeFailed(silent));
  breaker.probeAnswered();
  times(3, () => breaker.open('no connection', reset));
  expect(errors).toEqual([refused, late, silent, reset]);
});

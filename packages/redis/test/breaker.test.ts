import { Breaker, type RedisState } from '../src/breaker.js';

let nowMs: number;
let changes: RedisState[];
let breaker: Breaker;

beforeEach(() => {
  nowMs = 1_000_000;
  changes = [];
  breaker = new Breaker({ quarantineMs: 2_000, nowMs: () => nowMs, onChange: (state) => changes.push(state) });
});

const times = (count: number, run: () => void) => Array.from({ length: count }, run);

test('is down until the first probe is answered, and then up without a quarantine', () => {
  expect(breaker.state).toBe('down');
  breaker.recordProbe(true);
  expect(breaker.state).toBe('up');
});

test('calls never close it', () => {
  times(100, () => breaker.record(true));
  expect(breaker.state).toBe('down');
});

test('a hiccup does not open it, three failures do', () => {
  breaker.recordProbe(true);
  times(2, () => breaker.record(false));
  expect(breaker.state).toBe('up');
  breaker.record(false);
  expect(breaker.state).toBe('down');
});

test('late answers among many in time do not open it, a tenth of them does', () => {
  breaker.recordProbe(true);
  times(1_000, () => breaker.record(true));
  times(99, () => breaker.record(false));
  expect(breaker.state).toBe('up');
  times(20, () => breaker.record(false));
  expect(breaker.state).toBe('down');
});

test('failures of a second ago are forgotten', () => {
  breaker.recordProbe(true);
  times(2, () => breaker.record(false));
  nowMs += 1_000;
  times(2, () => breaker.record(false));
  expect(breaker.state).toBe('up');
});

test('after an outage it is quarantined first, then up', () => {
  breaker.recordProbe(true);
  breaker.open('lost');
  nowMs += 60_000;
  expect(breaker.state).toBe('down');
  breaker.recordProbe(true);
  expect(breaker.state).toBe('quarantine');
  nowMs += 1_999;
  expect(breaker.state).toBe('quarantine');
  nowMs += 1;
  expect(breaker.state).toBe('up');
  expect(changes).toEqual(['up', 'down', 'quarantine', 'up']);
});

test('an outage during the quarantine starts it anew', () => {
  breaker.recordProbe(true);
  breaker.open('lost');
  breaker.recordProbe(true);
  nowMs += 1_500;
  times(3, () => breaker.record(false));
  expect(breaker.state).toBe('down');
  breaker.recordProbe(true);
  nowMs += 1_500;
  expect(breaker.state).toBe('quarantine');
});

test('one late probe is forgiven, two in a row are not', () => {
  breaker.recordProbe(true);
  breaker.recordProbe(false);
  breaker.recordProbe(true);
  breaker.recordProbe(false);
  expect(breaker.state).toBe('up');
  breaker.recordProbe(false);
  expect(breaker.state).toBe('down');
});

test('a connection that failed before it ever worked is an outage, too', () => {
  breaker.open('refused');
  breaker.recordProbe(true);
  expect(breaker.state).toBe('quarantine');
});

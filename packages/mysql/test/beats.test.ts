import { Beats } from '../src/wire/beats.js';

const beat = (seq: number, nonce = `n${seq}`) => ({ seq, nonce });

describe('a beat of the primary', () => {
  test('is as old as the question before the one that was answered with it', () => {
    const beats = new Beats();
    beats.primaryShows(beat(1), 100);
    expect(beats.completeUntil(beat(1))).toBeUndefined(); // nobody knows since when it was there
    beats.primaryShows(beat(1), 200);
    beats.primaryShows(beat(2), 300);
    expect(beats.completeUntil(beat(2))).toBe(200);
    beats.primaryShows(beat(2), 400);
    beats.primaryShows(beat(5), 500);
    expect([2, 3, 5].map((seq) => beats.completeUntil(beat(seq)))).toEqual([200, undefined, 400]);
  });

  test('of another history proves nothing, though its number is the same', () => {
    const beats = new Beats();
    beats.primaryShows(beat(1), 100);
    beats.primaryShows(beat(2), 200);
    expect(beats.completeUntil(beat(2, 'other'))).toBeUndefined();
  });

  test('that comes back, of a primary that lost the end of its history, is no new one', () => {
    const beats = new Beats();
    for (const seq of [1, 2, 3]) beats.primaryShows(beat(seq), seq * 100);
    beats.primaryShows(beat(2), 400);
    expect([1, 2, 3].map((seq) => beats.completeUntil(beat(seq)))).toEqual([undefined, undefined, undefined]);
    beats.primaryShows(beat(3, 'another'), 500);
    expect(beats.completeUntil(beat(3, 'another'))).toBe(400);
    expect(beats.completeUntil(beat(3))).toBeUndefined();
  });

  test('is forgotten after some dozens more, and with its primary', () => {
    const beats = new Beats();
    for (let seq = 0; seq < 1_000; seq += 1) beats.primaryShows(beat(seq), seq);
    expect([900, 950, 999].map((seq) => beats.completeUntil(beat(seq)))).toEqual([undefined, 949, 998]);
    beats.forget();
    expect(beats.completeUntil(beat(999))).toBeUndefined();
  });
});

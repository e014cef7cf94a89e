/** Slices over the channels between a supervisor and its workers. */
import type { Channel, Workers } from '@lakh/process';
import type { Issuing } from '../live-issuing.js';
import { answerOf, type GiveBack, type SliceAnswer, type SliceRequest } from './answers.js';
import type { SliceSource } from './worker-issuing.js';

const NAMES = { next: 'next slice', giveBack: 'counters back', broken: 'broken' } as const;

/** In the supervisor, before any worker is started. */
export function serveSlices(workers: Workers, { slices, onBroken }: Pick<Issuing, 'slices' | 'onBroken'>): void {
  workers.handle<SliceRequest>(NAMES.next, ({ held }, from) => answerOf(slices.hand(from, held)));
  workers.handle<GiveBack>(NAMES.giveBack, ({ tails, isAwaiting }, from) => slices.giveBack(from, tails, isAwaiting));
  workers.handle<string>(NAMES.broken, (what) => slices.fail(what));
  workers.onGone((worker) => slices.ended(worker));
  onBroken(({ what }) => workers.tellAll(NAMES.broken, what));
}

/** In a worker. */
export function slicesOf(supervisor: Pick<Channel, 'ask' | 'handle'>): SliceSource {
  return {
    next: (request) => supervisor.ask<SliceAnswer>(NAMES.next, request),
    giveBack: (what) => supervisor.ask(NAMES.giveBack, what),
    // When it is gone, its workers end.
    broken: (what) => void supervisor.ask(NAMES.broken, what).catch(() => {}),
    onBroken: (told) => supervisor.handle<string>(NAMES.broken, told),
  };
}

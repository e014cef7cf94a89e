/** Looks for workers that are frozen: stopped, or caught in something that never ends. They serve nobody and end by nothing but a signal. */
import type { Logger } from '../logging.js';
import { ChannelClosedError } from './channel.js';
import type { Fleet } from './fleet.js';
import type { Member } from './member.js';

export interface PulseOptions {
  readonly fleet: Pick<Fleet, 'members'>;
  readonly log: Pick<Logger, 'error'>;
  /** Told of each answer, and when it was asked for. */
  readonly onAnswer: (member: Member, askedMs: number) => void;
  /** In looks. */
  readonly patience?: { readonly serving: number; readonly starting: number };
}

/** Between two looks. */
export const LOOK_MS = 1000;
/** Whoever has never answered may still be reading its code, which takes long where there is little of a core. */
const PATIENCE = { serving: 10, starting: 60 };

interface Question {
  readonly askedMs: number;
  /** Looks since: of those, and not of time, so that nobody is to blame for a machine that slept, or for a supervisor that was frozen itself. */
  looks: number;
}

export class Pulse {
  readonly #options: PulseOptions;
  readonly #open = new WeakMap<Member, Question>();
  readonly #heard = new WeakSet<Member>();

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** To be called every {@link LOOK_MS}. */
  look(): void {
    const { fleet, log, patience = PATIENCE } = this.#options;
    for (const member of fleet.members) {
      const question = this.#open.get(member);
      if (!question) {
        this.#ask(member);
        continue;
      }
      question.looks += 1;
      const looks = this.#heard.has(member) ? patience.serving : patience.starting;
      if (question.looks !== looks) continue;
      const { worker, process } = member;
      log.error({ worker, pid: process.pid }, `a worker has answered nothing for ${looks} s and is killed`);
      process.kill('SIGKILL');
    }
  }

  #ask(member: Member): void {
    const askedMs = performance.now();
    this.#open.set(member, { askedMs, looks: 0 });
    const answered = () => {
      this.#open.delete(member);
      this.#heard.add(member);
      this.#options.onAnswer(member, askedMs);
    };
    // A refusal is an answer; of one that cannot be asked the end is told by itself.
    member.process.channel.ask('alive').then(answered, (error) => error instanceof ChannelClosedError || answered());
  }
}

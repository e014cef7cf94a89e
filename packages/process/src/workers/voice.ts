/** Speaks for all workers of a server to operators: one readiness, one page of metrics. */
import type { Registry } from 'prom-client';
import { createReadiness, type HealthCheck, type Readiness } from '../readiness.js';
import type { Fleet } from './fleet.js';
import type { Member } from './member.js';
import {
  type Figures,
  figuresLeftBehind,
  figuresOfWorker,
  mergeReadiness,
  sumFigures,
  textOfFigures,
} from './merge.js';

/** A worker answers in the same tick, or it is frozen or busy beyond what a probe waits for. */
const ANSWER_LIMIT_MS = 900;

export interface VoiceOptions {
  readonly fleet: Pick<Fleet, 'members'>;
  readonly count: number;
  readonly registry: Registry;
  readonly lifecycle: Parameters<typeof createReadiness>[0];
  /** What the supervisor looks at itself. */
  readonly checks: Readonly<Record<string, HealthCheck>>;
}

export interface Voice {
  readiness(): Promise<Readiness>;
  metricsText(): Promise<string>;
  /** What a worker had counted when it was last asked, or said so at its end. */
  heard(member: Member, figures: Figures): void;
  /** To be called when a worker has ended: what it had counted stays in the sums. */
  gone(member: Member): void;
}

export function createVoice({ fleet, count, registry, lifecycle, checks }: VoiceOptions): Voice {
  const ownReadiness = createReadiness(lifecycle, checks);
  /** Of those that are gone too: who asked one that ends meanwhile counts what it had said. */
  const known = new WeakMap<Member, Figures>();
  const behind: Figures[] = [];

  async function figuresOf(member: Member): Promise<Figures> {
    const fresh = await answerOf<Figures>(member, 'figures');
    if (fresh && member.state !== 'gone') known.set(member, fresh);
    const latest = fresh ?? known.get(member) ?? [];
    // Of two that share a number while one takes the other's place, the one that serves has its gauges.
    return fresh && member.state === 'serving' ? figuresOfWorker(member.worker, latest) : figuresLeftBehind(latest);
  }

  async function sumBehind(): Promise<Figures> {
    const sum = await sumFigures(behind.splice(0));
    behind.push(sum);
    return sum;
  }

  return {
    async readiness() {
      const serving = fleet.members.filter(({ state }) => state === 'serving');
      const [own, ...heard] = await Promise.all([
        ownReadiness(),
        ...serving.map(async (member) => ({
          worker: member.worker,
          readiness: await answerOf<Readiness>(member, 'readiness'),
        })),
      ] as const);
      return mergeReadiness(own, count, heard);
    },

    async metricsText() {
      // Before the workers are asked: one that ends meanwhile is counted by what it says or had said.
      const left = await sumBehind();
      const workers = await Promise.all(fleet.members.map(figuresOf));
      const own = (await registry.getMetricsAsJSON()) as unknown as Figures;
      return textOfFigures([own, left, ...workers]);
    },

    heard: (member, figures) => void known.set(member, figures),

    gone(member) {
      const last = known.get(member);
      if (last) behind.push(figuresLeftBehind(last));
    },
  };
}

/** Undefined: it gave none in time. */
async function answerOf<Result>({ process: { channel } }: Member, name: string): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ANSWER_LIMIT_MS);
  });
  try {
    return await Promise.race([channel.ask<Result>(name), late]);
  } catch {
    // It has ended, or cannot say: its end is told of, and what it cannot say is missing for all to see.
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** What an allocator is to the rest of a server: a source of codes, and a check. */
import type { AllocatorSnapshot, RangeAllocator } from '@lakh/id-range';
import type { CodeSource } from '@lakh/links';
import type { Codec } from '@lakh/short-code';
import type { IssuingObserver } from './observer.js';

export interface IssuingHealth {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly detail: string;
}

export function codesOf(
  allocator: RangeAllocator,
  codec: Codec,
  observer: Pick<IssuingObserver, 'burnt' | 'duplicate'>,
): CodeSource {
  return {
    async nextOrWait() {
      const counter = await allocator.nextOrWait();
      return { counter, code: codec.encode(counter) };
    },
    *upcoming() {
      for (const { start, end } of allocator.held()) {
        for (let counter = start; counter < end; counter += 1) yield { counter, code: codec.encode(counter) };
      }
    },
    reportDuplicate(counter) {
      observer.duplicate(counter);
      allocator.dropRange(counter);
    },
    reportBurnt: (counter, why) => observer.burnt(counter, why),
  };
}

/** `warning`: what is not well though there is enough for now. */
export function healthOf({ state, heldIds, ...now }: AllocatorSnapshot, warning?: string): IssuingHealth {
  const why = now.lastErrorCode === null ? '' : `: ${now.lastErrorCode}: ${now.lastErrorMessage}`;
  if (state === 'degraded') return { status: 'degraded', detail: `${heldIds} ids held, no further lease${why}` };
  if (state !== 'ready') return { status: 'down', detail: `${state}${why}` };
  if (warning !== undefined) return { status: 'degraded', detail: `${heldIds} ids held; ${warning}` };
  return { status: 'ok', detail: `${heldIds} ids held` };
}

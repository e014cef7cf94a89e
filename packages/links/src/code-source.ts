import type { CodeSource } from './ports.js';

/** The part of the allocator that links need; `RangeAllocator` of id-range fits. */
export interface CounterSource {
  next(): number;
  nextOrWait(): Promise<number>;
  /** Stops issuing from what this counter came from. */
  dropRange(counter: number): void;
}

/** The part of a codec that links need; every `Codec` of short-code fits. */
export interface CounterEncoder {
  encode(counter: number): string;
}

/** Joins an allocator and a codec. `onBurnt` is told of each counter that is skipped for good, for metrics. */
export function codeSource(
  counters: CounterSource,
  encoder: CounterEncoder,
  onBurnt: (counter: number) => void = () => {},
): CodeSource {
  const withCode = (counter: number) => ({ counter, code: encoder.encode(counter) });
  return {
    next: () => withCode(counters.next()),
    nextOrWait: async () => withCode(await counters.nextOrWait()),
    reportDuplicate: (counter) => counters.dropRange(counter),
    reportBurnt: onBurnt,
  };
}

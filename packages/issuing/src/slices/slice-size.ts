import type { IssuingSettings } from '../live-issuing.js';

/** Of a range. */
const PART = 1 / 100;

/** Counters of a slice. */
export function sliceSizeOf({
  rangeSize,
  sliceSize = Math.max(1, Math.floor(rangeSize * PART)),
}: Pick<IssuingSettings, 'rangeSize' | 'sliceSize'>): number {
  return sliceSize;
}

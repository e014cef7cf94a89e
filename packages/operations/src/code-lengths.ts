import { CODEC_FACT, parseRecordedCodec } from '@lakh/short-code';
import { rebuild } from './audit.js';
import type { OperationsPorts } from './ports.js';
import type { RepairReport } from './repair.js';

/** In characters. */
export interface CodeLengths {
  readonly before: number;
  readonly after: number;
}

/** How long codes are below a skip and beyond it; null where nothing was skipped, no codec is on record, or all its codes have one length. */
export async function codeLengths(
  { facts }: OperationsPorts,
  { next, steps }: RepairReport,
  skip: number,
): Promise<CodeLengths | null> {
  const recorded = await facts.read(CODEC_FACT);
  const description = recorded === undefined ? undefined : parseRecordedCodec(recorded);
  if (steps.length === 0 || description === undefined || description.codec === 'sealed') return null;
  const codec = rebuild(description, []);
  const lengthOf = (counter: number) => codec.encode(Math.max(1, counter)).length;
  return { before: lengthOf(next - skip), after: lengthOf(next) };
}

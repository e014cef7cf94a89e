/** `audit`: where a code comes from. */
import { isPossibleCode } from '@lakh/links';
import {
  base62,
  CODEC_FACT,
  type Codec,
  type CodecDescription,
  CodecMismatchError,
  checkRecordedCodec,
  parseRecordedCodec,
  type SealedKey,
  sealed,
  sqids,
} from '@lakh/short-code';
import { InvalidArgumentError } from './errors.js';
import { type RowFigures, withFigures } from './figures.js';
import type { OperationsPorts } from './ports.js';
import { rowOf } from './witnesses.js';

export interface Audit {
  readonly code: string;
  /** The database's codec; null before its first start. */
  readonly codec: string | null;
  /** Of a code that may be a sealed one: the id of its key, its fingerprint and where it starts; null otherwise. */
  readonly key: { readonly id: string; readonly fingerprint: string; readonly startCounter: number } | null;
  /** Of the link's row, or what the code decodes to where there is none; null for an alias, and for what is no code. */
  readonly counter: number | null;
  readonly link: {
    readonly state: 'live' | 'expired' | 'deleted';
    /** Of a deleted link, what it was. */
    readonly kind: 'generated' | 'alias';
    readonly longUrl: string | null;
    readonly createdAt: string;
    /** Whose token it was created with; null: nobody's. */
    readonly owner: string | null;
    readonly expiresAt: string | null;
    readonly version: number;
    readonly place: string;
  } | null;
  /** The row of the ledger that covers the counter; null without one. */
  readonly range: RowFigures | null;
  /** What does not fit together; empty is good. */
  readonly contradictions: readonly string[];
  readonly remarks: readonly string[];
}

const BY_WHOM = 'by which server it was claimed is said by «alias claimed» in the servers’ logs';

/** A code as its URL has it, an alias too. Three questions by key to the database: milliseconds. */
export async function audit(ports: OperationsPorts, code: string): Promise<Audit> {
  if (!isPossibleCode(code)) {
    throw new InvalidArgumentError(`${JSON.stringify(code)} is no code: 1 to 64 of 0-9, A-Z, a-z, and - and _ inside`);
  }
  const [record, recorded] = await Promise.all([ports.links.record(0, code), ports.facts.read(CODEC_FACT)]);
  const description = recorded === undefined ? undefined : parseRecordedCodec(recorded);
  const remarks: string[] = [];
  const decoded = description && decode(description, recorded as string, ports.sealedKeys, code, remarks);
  const ofRow = record !== undefined && record.counter > 0 ? record.counter : undefined;
  const counter = record === undefined ? decoded : ofRow;
  const row = counter === undefined ? undefined : await rowOf(ports, counter);
  const [range] = row === undefined ? [] : await withFigures(ports, [row]);
  const contradictions: string[] = [];
  if (ofRow !== undefined && decoded !== undefined && decoded !== ofRow) {
    contradictions.push(`the link was made from counter ${ofRow}, but its code is that of counter ${decoded}`);
  }
  if (ofRow !== undefined && row === undefined) contradictions.push(`no row of the ledger covers counter ${ofRow}`);
  if (ofRow !== undefined && row !== undefined && row.state !== 'leased') {
    contradictions.push(
      `counter ${ofRow} became a link, but its range is on record as ${row.state}, not as leased by a server`,
    );
  }
  if (record === undefined) remarks.push('no link has this code');
  if (record?.kind === 'alias') remarks.push('an alias: a person chose it, so it has no counter and no range', BY_WHOM);
  if (record !== undefined && record.kind === 'deleted' && ofRow === undefined)
    remarks.push('it was an alias', BY_WHOM);
  return {
    code,
    codec: description?.codec ?? null,
    key: description === undefined || record?.kind === 'alias' ? null : keyOf(description, code),
    counter: counter ?? null,
    link: record === undefined ? null : linkOf(record, ports.nowMs()),
    range: range ?? null,
    contradictions,
    remarks,
  };
}

type Recorded = NonNullable<Awaited<ReturnType<OperationsPorts['links']['record']>>>;

function linkOf(record: Recorded, nowMs: number): Audit['link'] {
  const isExpired = record.expiresAtMs !== null && record.expiresAtMs <= nowMs;
  return {
    state: record.kind === 'deleted' ? 'deleted' : isExpired ? 'expired' : 'live',
    kind: record.counter > 0 ? 'generated' : 'alias',
    longUrl: record.kind === 'deleted' ? null : record.longUrl,
    createdAt: new Date(record.createdAtMs).toISOString(),
    owner: record.owner || null,
    expiresAt: record.expiresAtMs === null ? null : new Date(record.expiresAtMs).toISOString(),
    version: record.version,
    place: record.place,
  };
}

function keyOf({ codec, keys }: CodecDescription, code: string): Audit['key'] {
  if (codec !== 'sealed' || code.length !== 7) return null;
  return keys.find(({ id }) => id === code.charAt(0)) ?? null;
}

/** What the recorded codec makes of the code; undefined when it is none of its codes, or the keys are not here. */
function decode(
  description: CodecDescription,
  recorded: string,
  keys: readonly SealedKey[],
  code: string,
  remarks: string[],
): number | undefined {
  if (description.codec === 'sealed' && keys.length === 0) {
    remarks.push('sealed codes can be decoded only with LAKH_SEALED_KEYS');
    return undefined;
  }
  try {
    const codec = rebuild(description, keys);
    checkRecordedCodec(recorded, codec);
    return codec.decode(code);
  } catch (error) {
    if (!(error instanceof CodecMismatchError)) throw error;
    remarks.push(`not decoded: ${error.message}`);
    return undefined;
  }
}

export function rebuild({ codec, params }: CodecDescription, keys: readonly SealedKey[]): Codec {
  if (codec === 'base62') return base62();
  if (codec === 'sealed') return sealed(keys);
  return sqids({ alphabet: String(params.alphabet), minLength: Number(params.minLength) });
}

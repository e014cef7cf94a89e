import { COUNTER_SPACE_END, type CounterRange, type Mark, WitnessCorruptError } from '@lakh/id-range';

/** Decimal without sign, leading zero or exponent; 13 digits hold the whole counter space. */
const MARK_TEXT = /^(0|[1-9]\d{0,12}) (0|[1-9]\d{0,12})$/;
const REMAINDER_NAME = /^([1-9]\d{0,12})-([1-9]\d{0,12})$/;
/** A UUID in practice. */
const CLUSTER_ID = /^[0-9A-Za-z._-]{1,64}$/;

/** A mark as its node holds it: exactly `<next> <ledgered>`. Throws a RangeError for what could not be read again. */
export function formatMark(mark: Mark): Buffer {
  const text = `${mark.next} ${mark.ledgered}`;
  if (markOf(text) === undefined) throw new RangeError(`not a mark: ${text}`);
  return Buffer.from(text);
}

/** Rejects anything but what {@link formatMark} writes with {@link WitnessCorruptError}; `where` names it in the message. */
export function parseMark(data: Buffer | undefined, where: string): Mark {
  const mark = data && markOf(data.toString('latin1'));
  if (mark === undefined) throw new WitnessCorruptError(`${where} is not two counters up to 62^7: ${quote(data)}`);
  return mark;
}

/** Throws a RangeError for an id that {@link parseClusterId} would refuse. */
export function formatClusterId(clusterId: string): Buffer {
  if (!CLUSTER_ID.test(clusterId)) throw new RangeError(`not a cluster id: ${JSON.stringify(clusterId)}`);
  return Buffer.from(clusterId);
}

/** 1–64 letters, digits, '.', '_' or '-'; {@link WitnessCorruptError} otherwise. */
export function parseClusterId(data: Buffer | undefined, where: string): string {
  const text = data?.toString('latin1') ?? '';
  if (!CLUSTER_ID.test(text)) throw new WitnessCorruptError(`${where} is not a cluster id: ${quote(data)}`);
  return text;
}

/** A remainder's node name: `<start>-<end>`. Throws a RangeError for what could not be read again. */
export function formatRemainderName({ start, end }: CounterRange): string {
  const name = `${start}-${end}`;
  if (parseRemainderName(name) === undefined) throw new RangeError(`not a remainder: ${name}`);
  return name;
}

/** Undefined for anything but what {@link formatRemainderName} writes. */
export function parseRemainderName(name: string): CounterRange | undefined {
  const match = REMAINDER_NAME.exec(name);
  if (match === null) return undefined;
  const range = { start: Number(match[1]), end: Number(match[2]) };
  return range.start < range.end && range.end <= COUNTER_SPACE_END ? range : undefined;
}

function markOf(text: string): Mark | undefined {
  const match = MARK_TEXT.exec(text);
  if (match === null) return undefined;
  const mark = { next: Number(match[1]), ledgered: Number(match[2]) };
  return mark.next >= 1 && mark.next <= COUNTER_SPACE_END && mark.ledgered <= COUNTER_SPACE_END ? mark : undefined;
}

function quote(data: Buffer | undefined): string {
  return data === undefined ? 'it is empty' : JSON.stringify(data.toString('latin1').slice(0, 80));
}

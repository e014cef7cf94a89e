/** An attacker's side of a connection: bytes as they are, in pieces, and whatever comes back. */
import { randomInt } from 'node:crypto';
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  /** By lower-case name; equal names' values are joined by line breaks. */
  readonly headers: ReadonlyMap<string, string>;
  readonly head: string;
  readonly body: string;
}

export interface Heard {
  readonly answers: readonly Answer[];
  /** Everything, also what is no answer at all. */
  readonly text: string;
  /** Whether the server ended the connection, or said nothing for so long. */
  readonly end: 'closed' | 'quiet';
}

export interface Exchange {
  readonly port: number;
  /** The attacker's address; one that nobody had before unless told, so that no limit of what one client may have hides what is behind it. */
  readonly from?: string;
  /** Strings are Latin-1. A number is a pause, in milliseconds. */
  readonly pieces: readonly (string | Buffer | number)[];
  /** It means to meet the limits of what one client may have; nobody else may, for they would hide what is behind them. */
  readonly isFlood?: boolean;
  /** Gives up when nothing came at all for so long, or nothing more. */
  readonly quietMs?: number;
  readonly quietAfterMs?: number;
}

/** Longer than a loaded machine takes to answer or to close, and than every limit that a gateway or server closes by. */
export const LONG_QUIET_MS = 15_000;

/** Of this machine. No server of the system is told to believe it. */
export const newAddress = (): string => `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;

export function exchange({
  port,
  from = newAddress(),
  pieces,
  quietMs = LONG_QUIET_MS,
  quietAfterMs = quietMs,
}: Exchange): Promise<Heard> {
  return new Promise((resolve) => {
    let text = '';
    let end: Heard['end'] = 'closed';
    let timer: NodeJS.Timeout | undefined;
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true });
    const stillHere = (): void => {
      clearTimeout(timer);
      timer = setTimeout(
        () => {
          end = 'quiet';
          socket.destroy();
        },
        text === '' ? quietMs : quietAfterMs,
      );
    };
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
      stillHere();
    });
    // A reset is a way to refuse.
    socket.on('error', () => {});
    socket.once('close', () => {
      clearTimeout(timer);
      resolve({ answers: answersIn(text), text, end });
    });
    socket.once('connect', async () => {
      for (const piece of pieces) {
        if (typeof piece === 'number') await new Promise((next) => setTimeout(next, piece));
        else if (socket.writable) socket.write(piece as string, 'latin1');
      }
    });
    stillHere();
  });
}

const STATUS = /^HTTP\/1\.1 (\d{3})/;
const LENGTH = /^\d+$/;

/** The answers on one connection, one after another. One to HEAD, which promises a length and has no body, is recognised by the next one. */
export function answersIn(text: string): Answer[] {
  const answers: Answer[] = [];
  let rest = text;
  while (STATUS.test(rest)) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    const head = rest.slice(0, end);
    const status = Number(STATUS.exec(head)?.[1]);
    const headers = headersIn(head);
    rest = rest.slice(end + 4);
    const [body, after] = status < 200 || status === 204 ? ['', rest] : bodyIn(rest, headers);
    answers.push({ status, headers, head, body });
    rest = after;
  }
  return answers;
}

function headersIn(head: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const other = headers.get(name);
    headers.set(name, other === undefined ? value : `${other}\n${value}`);
  }
  return headers;
}

function bodyIn(text: string, headers: ReadonlyMap<string, string>): [body: string, after: string] {
  if (STATUS.test(text)) return ['', text];
  const length = headers.get('content-length') ?? '';
  if (LENGTH.test(length)) return [text.slice(0, Number(length)), text.slice(Number(length))];
  if (headers.get('transfer-encoding') !== 'chunked') return [text, ''];
  let body = '';
  let rest = text;
  for (;;) {
    const size = Number.parseInt(rest, 16);
    const start = rest.indexOf('\r\n') + 2;
    if (!(size > 0)) return [body, rest.slice(start + 2)];
    body += rest.slice(start, start + size);
    rest = rest.slice(start + size + 2);
  }
}

/**
 * Lines on stderr, JSON or for people: stdout belongs to a program's answer (what it was asked to print), so that a pipe never gets both.
 * Target URLs and tokens are never logged: they are other people's business.
 */
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

import { textLine } from './log-text.js';

export type { Logger } from 'pino';

/** Of lines that could not be written; those beyond are dropped. */
const UNWRITTEN_MAX_BYTES = 1024 * 1024;

export interface LoggerOptions {
  readonly program: string;
  readonly serverId: string;
  /** Of several processes, which one writes. */
  readonly worker?: number;
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  /** Lines for people (`textLine`) in place of JSON. */
  readonly isForPeople?: boolean;
  /** Under these, beside the usual ones, is what nobody may read: the keys of secret settings. */
  readonly privateNames?: readonly string[];
  /** For tests; stderr otherwise. */
  readonly stream?: DestinationStream;
}

/** Names under which a URL or a secret could slip into a log line, at the top and one level down. */
const PRIVATE_NAMES = [
  'longUrl',
  'long_url',
  'location',
  'target',
  'url',
  'body',
  'token',
  'password',
  'authorization',
  'cookie',
];

/** Errors of database drivers carry the whole statement (`sql`) and its values: only these fields are written. */
function loggableError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code, status, cause } = error as Error & { code?: unknown; status?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(status === undefined ? {} : { status }),
    stack: error.stack,
    ...(cause === undefined || depth >= 3 ? {} : { cause: loggableError(cause, depth + 1) }),
  };
}

/**
 * What cannot be written (the terminal was closed, the disk is full) waits for the next line, in bounded number: a server that lost its log
 * is still to serve, or to stop as it was told to.
 */
function standardError(): DestinationStream {
  const output = destination({ fd: 2, sync: true, maxLength: UNWRITTEN_MAX_BYTES });
  output.on('error', () => {});
  return output;
}

/** Writes synchronously: the last line before an exit is the one that is needed. */
export function createLogger({
  program,
  serverId,
  worker,
  level,
  isForPeople = false,
  privateNames = [],
  stream,
}: LoggerOptions): Logger {
  const output = stream ?? standardError();
  const names = [...PRIVATE_NAMES, ...privateNames];
  return pino(
    {
      level,
      base: { program, serverId, ...(worker !== undefined && { worker }) },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error) => loggableError(error), error: (error) => loggableError(error) },
      redact: { paths: names.flatMap((name) => [name, `*.${name}`]), censor: '[private]' },
    },
    isForPeople ? { write: (line) => void output.write(textLine(line)) } : output,
  );
}

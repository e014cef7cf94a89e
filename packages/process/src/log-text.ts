/** A JSON log line as a person on a terminal reads it: when, how bad, what, and with which values. */

/** The same in every line of a process, or made to be searched by machines. */
const LEFT_OUT = new Set(['time', 'level', 'msg', 'program', 'serverId', 'settings', 'err', 'error']);

interface LoggedError {
  readonly type?: string;
  readonly message?: string;
  readonly code?: unknown;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/** `17:01:33 info  admin listener is open address=http://127.0.0.1:8081`. Local time, since it is read where it is written. */
export function textLine(json: string): string {
  const line = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const time = new Date(String(line.time)).toTimeString().slice(0, 8);
  const values = Object.entries(line)
    .filter(([name, value]) => !LEFT_OUT.has(name) && value !== undefined)
    .map(([name, value]) => ` ${name}=${valueText(value)}`);
  const error = (line.err ?? line.error) as LoggedError | undefined;
  const what = `${line.msg ?? ''}${values.join('')}${error === undefined ? '' : `: ${errorText(error)}`}`;
  return printable(`${time} ${String(line.level).padEnd(5)} ${what}\n`);
}

const valueText = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);

/** An error with a code of its own says what it is; of any other the stack tells where to look. */
function errorText({ type, message = '', code, stack, cause }: LoggedError): string {
  const why = cause === undefined ? '' : `\n  because: ${errorText(cause)}`;
  if (code === undefined && stack !== undefined) return `${stack}${why}`;
  return `${message === '' ? (type ?? 'an error') : message}${code === undefined ? '' : ` (${String(code)})`}${why}`;
}

/** What others have sent must not steer a terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '?');
}

/**
 * The grammar of the wire lane. It knows one kind of request and no more: whatever is not byte for byte of this form is node:http's to read, whether it
 * is wrong, rare or only begun.
 *
 *     request = ( "GET" / "HEAD" ) SP "/" 1*path [ "?" *query ] SP "HTTP/1.1" CRLF 1*( field CRLF ) CRLF    ; and the chunk ends here
 *     path    = ALPHA / DIGIT / "-" / "_"
 *     query   = what RFC 3986 has in one
 *     field   = 1*tchar ":" *( SP / HTAB / %x21-7E )
 *
 * with exactly one `Host`, a name or an address with or without a port; with no `Connection` but `keep-alive`; and with none of the fields that
 * say how a message goes on, or that another protocol follows.
 */

/** One request of the grammar. What it holds was in the chunk as it is here, but for white space around values. */
export interface Recognised extends Fields {
  readonly method: 'GET' | 'HEAD';
  /** With its slash, and without a query. */
  readonly path: string;
  /** With its question mark; empty where there is none. */
  readonly query: string;
}

interface Fields {
  /** As they came, the empty line included. */
  readonly fields: string;
  readonly host: string;
  /** Of all `Cookie` fields, joined as node:http joins them. */
  readonly cookie: string | undefined;
}

const PATH = 1;
const TOKEN = 2;
const VALUE = 4;
const HOST = 8;
const QUERY = 16;

/** Of each byte, what it may be a part of. */
const CLASSES = new Uint8Array(256);
const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
for (let code = 0x20; code < 0x7f; code += 1) mark(String.fromCharCode(code), VALUE);
mark('\t', VALUE);
mark(`${ALPHANUMERIC}-_`, PATH);
mark(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`, TOKEN);
mark(`${ALPHANUMERIC}-._:[]`, HOST);
mark(`${ALPHANUMERIC}-._~!$&'()*+,;=:@/?%`, QUERY);

function mark(characters: string, kind: number): void {
  for (const character of characters) {
    const code = character.charCodeAt(0);
    CLASSES[code] = (CLASSES[code] as number) | kind;
  }
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const QUESTION_MARK = 63;

const LINE_END = ' HTTP/1.1\r\n';

/** What makes a request another one, or is asked for here. */
const NAMES = [
  'host',
  'cookie',
  'connection',
  'proxy-connection',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'expect',
  'upgrade',
];
/** By their length, which parts most of them, and of those that are none, at once. */
const NAMES_BY_LENGTH = Array.from({ length: 1 + Math.max(...NAMES.map(({ length }) => length)) }, (_, length) =>
  NAMES.filter((name) => name.length === length),
);

/**
 * @param bytes which begin with a chunk
 * @param known what came before on the connection: most clients send the same fields each time, and what is equal is not read again
 * @param length of the chunk; what stands behind it is none of it
 * @returns undefined where the chunk is not exactly one request of the grammar
 */
export function recognise(bytes: Buffer, known?: Recognised, length = bytes.length): Recognised | undefined {
  // With that at its end no scan below runs out of the bytes.
  if (bytes[length - 2] !== CR || bytes[length - 1] !== LF) return undefined;
  const text = bytes.toString('latin1', 0, length);
  const method = text.startsWith('GET /') ? 'GET' : text.startsWith('HEAD /') ? 'HEAD' : undefined;
  if (method === undefined) return undefined;
  const pathAt = method.length + 1;
  const pathEnd = skip(bytes, pathAt + 1, PATH);
  const targetEnd = bytes[pathEnd] === QUESTION_MARK ? skip(bytes, pathEnd, QUERY) : pathEnd;
  if (pathEnd === pathAt + 1 || !text.startsWith(LINE_END, targetEnd)) return undefined;
  const fieldsAt = targetEnd + LINE_END.length;
  const path = text.slice(pathAt, pathEnd);
  const query = targetEnd === pathEnd ? '' : text.slice(pathEnd, targetEnd);
  const fields = text.slice(fieldsAt);
  if (known !== undefined && fields === known.fields) {
    return { method, path, query, fields: known.fields, host: known.host, cookie: known.cookie };
  }
  const read = readFields(bytes, text, fieldsAt);
  return read && { method, path, query, fields, host: read.host, cookie: read.cookie };
}

function readFields(bytes: Buffer, text: string, from: number): Omit<Fields, 'fields'> | undefined {
  let host: string | undefined;
  let cookie: string | undefined;
  let at = from;
  while (bytes[at] !== CR) {
    const nameEnd = skip(bytes, at, TOKEN);
    if (nameEnd === at || bytes[nameEnd] !== COLON) return undefined;
    const valueEnd = skip(bytes, nameEnd + 1, VALUE);
    if (bytes[valueEnd] !== CR || bytes[valueEnd + 1] !== LF) return undefined;
    const name = nameOf(text, at, nameEnd);
    if (name !== undefined) {
      const value = trimmed(text, nameEnd + 1, valueEnd);
      if (name === 'host') {
        if (host !== undefined || !isPlainHost(value)) return undefined;
        host = value;
      } else if (name === 'cookie') {
        cookie = cookie === undefined ? value : `${cookie}; ${value}`;
      } else if (name !== 'connection' || value.toLowerCase() !== 'keep-alive') {
        return undefined;
      }
    }
    at = valueEnd + 2;
  }
  // The first empty line, and nothing behind it.
  return host === undefined || at + 2 !== text.length ? undefined : { host, cookie };
}

/** Where bytes of a kind end. */
function skip(bytes: Buffer, from: number, kind: number): number {
  let at = from;
  while (((CLASSES[bytes[at] as number] as number) & kind) !== 0) at += 1;
  return at;
}

/** The name in lower case, where it is one that matters. */
function nameOf(text: string, at: number, end: number): string | undefined {
  const names = NAMES_BY_LENGTH[end - at];
  if (names === undefined || names.length === 0) return undefined;
  const name = text.slice(at, end).toLowerCase();
  return names.includes(name) ? name : undefined;
}

/** Without the white space around it. */
function trimmed(text: string, from: number, to: number): string {
  let at = from;
  let end = to;
  while (at < end && isBlank(text.charCodeAt(at))) at += 1;
  while (end > at && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(at, end);
}

const isBlank = (code: number) => code === SPACE || code === TAB;

function isPlainHost(host: string): boolean {
  if (host === '') return false;
  for (let at = 0; at < host.length; at += 1) if (((CLASSES[host.charCodeAt(at)] as number) & HOST) === 0) return false;
  return true;
}

/** All values of a field of a recognised request, joined as node:http joins those that it knows no rule for; `name` in lower case. */
export function valuesOf(fields: string, name: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; fields.charCodeAt(at) !== CR; at = fields.indexOf('\r\n', at) + 2) {
    const end = at + name.length;
    if (fields.charCodeAt(end) !== COLON || fields.slice(at, end).toLowerCase() !== name) continue;
    const value = trimmed(fields, end + 1, fields.indexOf('\r\n', end));
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}

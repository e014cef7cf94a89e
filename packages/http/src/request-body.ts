/** Bodies, as a route's row allows them. */
import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import express, { type Request, type Response } from 'express';
import { BodyLines } from './body-lines.js';
import { MalformedJsonError, PayloadTooLargeError, UnsupportedMediaTypeError } from './errors.js';
import type { BodyRule } from './route-table.js';

const MEDIA_TYPES = {
  json: ['application/json'],
  patch: ['application/json', 'application/merge-patch+json'],
  form: ['application/x-www-form-urlencoded'],
  batch: ['application/json', 'application/x-ndjson'],
} as const;
const FORM_FIELDS_MAX = 16;
const CHARSET = /;[ \t]*charset[ \t]*=[ \t]*"?([^ \t;"]*)/i;
/** Some editors and shells put it before a text; RFC 8259 lets a reader ignore it. */
const BYTE_ORDER_MARK = 0xfeff;

/** Whether a body is JSON of a known, allowed length, with no header that asks for anything more. */
export function isPlainJson(headers: IncomingHttpHeaders, { maxBytes }: BodyRule): boolean {
  const length = Number(headers['content-length']);
  return (
    headers['content-type'] === MEDIA_TYPES.json[0] &&
    length > 0 &&
    length <= maxBytes &&
    headers['content-encoding'] === undefined
  );
}

/** Reads a body as it comes, in UTF-8 and without a content encoding. */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else reject(tooLarge(maxBytes));
    });
    request.once('end', resolve);
    request.once('error', reject);
  });
  return parseJson(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
}

/** Reads whatever a rule allows: compressed and chunked bodies, and types with parameters too. Of JSON in lines it gives the {@link BodyLines}. */
export function createBodyReader(rule: BodyRule): (request: Request, response: Response) => Promise<unknown> {
  const { maxBytes, holds } = rule;
  const types = MEDIA_TYPES[rule.type];
  const read =
    rule.type !== 'form'
      ? express.raw({ limit: maxBytes, type: () => true })
      : express.urlencoded({ limit: maxBytes, type: [...types], extended: false, parameterLimit: FORM_FIELDS_MAX });

  return async (request, response) => {
    if (rule.isOptional && !hasBody(request)) return {};
    if (!isOfType(request, rule.type))
      throw new UnsupportedMediaTypeError(`Send the ${holds} as ${types.join(' or ')}.`);
    if (typeOf(request) === MEDIA_TYPES.batch[1]) return linesOf(request, rule);
    // By its announced length what the parser would first read to its end.
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
      throw tooLarge(maxBytes);
    }
    if (rule.type !== 'form') {
      requireUtf8Charset(request.headers['content-type'] as string);
      if (isPlainJson(request.headers, rule)) return readJson(request, maxBytes);
    }
    await new Promise<void>((resolve, reject) => {
      read(request, response, (error?: unknown) => (error ? reject(error) : resolve()));
    });
    if (rule.type === 'form') return request.body;
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    // Nothing at all is no JSON, but a link with everything missing; of changes it would be none, and seem made.
    return body.length === 0 && rule.type !== 'patch' ? {} : parseJson(body);
  };
}

const hasBody = ({ headers }: Request) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const tooLarge = (maxBytes: number) => new PayloadTooLargeError(`The body is larger than ${maxBytes} bytes.`);

/** `request.is` has no opinion on a request without a body: that is no form, but JSON with everything missing. */
function isOfType(request: Request, type: BodyRule['type']): boolean {
  if (type === 'form') return Boolean(request.is([...MEDIA_TYPES.form]));
  return MEDIA_TYPES[type].some((known) => known === typeOf(request));
}

function typeOf(request: Request): string | undefined {
  return request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

function linesOf(request: Request, { maxBytes, maxLineBytes = maxBytes }: BodyRule): BodyLines {
  requireUtf8Charset(request.headers['content-type'] as string);
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new UnsupportedMediaTypeError('Lines are taken as they are; send them without a Content-Encoding.');
  }
  return new BodyLines(request, maxLineBytes);
}

/** RFC 8259 §8.1: between systems JSON is UTF-8, whatever decoders there are. */
function requireUtf8Charset(contentType: string): void {
  const charset = CHARSET.exec(contentType)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new UnsupportedMediaTypeError('JSON is sent in UTF-8; leave the charset out.');
  }
}

function parseJson(body: Buffer): unknown {
  // Decoding puts U+FFFD where bytes make no sense, and the caller would get something else than was sent.
  if (!isUtf8(body)) throw new MalformedJsonError('The body is not valid UTF-8.');
  const text = body.toString('utf8');
  try {
    return JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text);
  } catch {
    throw new MalformedJsonError('The body is not valid JSON.');
  }
}

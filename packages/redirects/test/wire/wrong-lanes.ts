/** A lane that is simple and right, and the same with one thing wrong each: whoever compares servers has to find every one. */
import { Server as NetServer, type Server, type Socket } from 'node:net';
import type { HttpServer } from '@lakh/http';
import type { RedirectAnswer } from '../../src/redirect-response.js';
import { turn } from './line.js';
import { NOW_MS } from './outcomes.js';
import type { Front } from './servers.js';

interface Lane {
  /** Of a chunk that is one request; its groups are method and path. */
  readonly grammar: RegExp;
  /** Whether a head that the grammar has is none of the lane's all the same. */
  readonly isOdd: (head: string) => boolean;
  readonly write: (answer: RedirectAnswer) => string;
  /** Answers, with what the socket is to be given. */
  readonly say: (socket: Socket, text: string) => void;
  readonly handOver: (http: HttpServer, socket: Socket, chunk: Buffer) => void;
}

const REASONS: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
};

const ODD =
  /^(content-length|transfer-encoding|expect|upgrade|te|trailer|cookie|connection:(?![ \t]*keep-alive[ \t]*$)|host:(?![ \t]*(?:x|lakh\.example)[ \t]*$))/im;

const right: Lane = {
  grammar: /^(GET|HEAD) (\/\w+) HTTP\/1\.1\r\n(?:[\w-]+:[\t\x20-\x7e]*\r\n)+\r\n$/,
  isOdd: (head) => ODD.test(head) || head.match(/^host:/gim)?.length !== 1,
  write: ({ status, location, cacheControl }) =>
    [
      `HTTP/1.1 ${status} ${REASONS[status]}`,
      `Location: ${location}`,
      `Cache-Control: ${cacheControl}`,
      'X-Robots-Tag: noindex',
      'Content-Length: 0',
      `Date: ${new Date(NOW_MS).toUTCString()}`,
      'Connection: keep-alive',
      'Keep-Alive: timeout=600',
      '\r\n',
    ].join('\r\n'),
  say: (socket, text) => void socket.write(text),
  handOver({ server }, socket, chunk) {
    socket.unshift(chunk);
    server.emit('connection', socket);
  },
};

const without = (odd: RegExp, part: string) => (head: string) =>
  new RegExp(odd.source.replace(part, ''), odd.flags).test(head) || head.match(/^host:/gim)?.length !== 1;
const grammar = (from: string, to: string) => new RegExp(right.grammar.source.replace(from, to));
const written = (from: string | RegExp, to: string) => (answer: RedirectAnswer) =>
  right.write(answer).replace(from, to);

const WRONG: Readonly<Record<string, Partial<Lane>>> = {
  'takes a carriage return for a part of a value': { grammar: grammar('[\\t\\x20-\\x7e]', '[\\r\\t\\x20-\\x7e]') },
  'takes a folded line': { grammar: grammar('*\\r\\n)+', '*(?:\\r\\n[ \\t].*)?\\r\\n)+') },
  'takes a blank before a colon': { grammar: grammar('[\\w-]+:', '[\\w-]+ ?:') },
  'takes an empty name': { grammar: grammar('[\\w-]+:', '[\\w-]*:') },
  'takes any byte in a name': { grammar: grammar('[\\w-]+:', '[^\\r\\n:]+:') },
  'takes any byte in a value': { grammar: grammar('[\\t\\x20-\\x7e]', '[^\\r\\n]') },
  'takes HTTP/1.0 for HTTP/1.1': { grammar: grammar('1\\.1', '1\\.[01]') },
  'takes any minor version': { grammar: grammar('1\\.1', '1\\.\\d') },
  'takes a method in any case': { grammar: new RegExp(right.grammar.source, 'i') },
  'takes any method': { grammar: grammar('(GET|HEAD)', '([A-Z]+)') },
  'drops what is behind a request': { grammar: grammar('\\r\\n$', '\\r\\n') },
  'takes a query for a part of nothing': { grammar: grammar('(\\/\\w+)', '(\\/\\w+)(?:/|[.])?') },
  'needs no Host': { isOdd: (head) => ODD.test(head) },
  'judges no Host': { isOdd: without(ODD, '|host:(?![ \\t]*(?:x|lakh\\.example)[ \\t]*$)') },
  'does not see Content-Length': { isOdd: without(ODD, 'content-length|') },
  'does not see Transfer-Encoding': { isOdd: without(ODD, 'transfer-encoding|') },
  'does not see Expect': { isOdd: without(ODD, 'expect|') },
  'does not see who has just written': { isOdd: without(ODD, 'cookie|') },
  'does not see Connection': { isOdd: without(ODD, 'connection:(?![ \\t]*keep-alive[ \\t]*$)|') },
  'sees names as they are mostly written': {
    isOdd: (head) =>
      new RegExp(
        ODD.source.replaceAll(/(?<![\w(])[a-z]/g, (first) => first.toUpperCase()),
        'm',
      ).test(head),
  },
  'has headers in another order': { write: written(/(X-Robots-Tag: .*\r\n)(Content-Length: .*\r\n)/, '$2$1') },
  'has no Keep-Alive': { write: written(/Keep-Alive: .*\r\n/, '') },
  'has no reason': { write: written(/ [A-Z].*/, ' ') },
  'sends a byte more': { write: (answer) => `${right.write(answer)}x` },
  'answers twice': { write: (answer) => right.write(answer).repeat(2) },
  'ends the connection': { say: (socket, text) => void socket.end(text) },
  'answers later, and reads on': {
    say: (socket, text) =>
      void turn()
        .then(turn)
        .then(turn)
        .then(() => socket.write(text)),
  },
  'loses what it hands over': { handOver: ({ server }, socket) => void server.emit('connection', socket) },
  'hands over twice': {
    handOver({ server }, socket, chunk) {
      socket.unshift(Buffer.concat([chunk, chunk]));
      server.emit('connection', socket);
    },
  },
  'hands over in two parts': {
    handOver({ server }, socket, chunk) {
      server.emit('connection', socket);
      socket.unshift(chunk.subarray(chunk.length >> 1));
    },
  },
};

function frontOf({ grammar, isOdd, write, say, handOver }: Lane): Front {
  return ({ http, redirects }): Server => {
    const lane = new NetServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false });
    lane.on('connection', (socket) => {
      function leave(chunk: Buffer): void {
        socket.off('data', hear).off('end', end).off('error', fail);
        handOver(http, socket, chunk);
      }
      function hear(chunk: Buffer): void {
        const text = chunk.toString('latin1');
        const [head, , path] = grammar.exec(text) ?? [];
        const answer = head === undefined || isOdd(head) ? undefined : redirects.l1.get(path as string, 0);
        if (answer === undefined) leave(chunk);
        else say(socket, write(answer));
      }
      const end = () => void socket.end();
      const fail = () => void socket.destroy();
      socket.on('data', hear).on('end', end).on('error', fail);
    });
    return lane;
  };
}

export const rightLane: Front = frontOf(right);

export const wrongLanes: readonly (readonly [what: string, lane: Front])[] = Object.entries(WRONG).map(
  ([what, wrong]) => [what, frontOf({ ...right, ...wrong })] as const,
);

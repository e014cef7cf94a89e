/**
 * Which requests are meant for this server. A page in somebody's browser can make it send requests to any address that it reaches, under
 * any name that the page's author gives that address in the DNS; such a request carries the author's name in `Host`. And it can
 * send forms and the like across sites, which browsers tell by `Origin` and `Sec-Fetch-Site`.
 */
import type { IncomingMessage } from 'node:http';
import type { CodedError } from '@lakh/base';
import { isLoopback, parseHostPort } from '@lakh/settings';
import ipaddr from 'ipaddr.js';
import type { CrossOrigin } from './cross-origin.js';
import { BadRequestError, ForbiddenError, MisdirectedRequestError } from './errors.js';
import type { RequestHead } from './request-head.js';

/** The names of a server, beside loopback's and the address that a request came in at. */
export interface OwnNames {
  /** Scheme, host and port that people know it by, where there is one. */
  readonly publicUrl?: string | undefined;
  readonly hosts?: readonly string[];
}

export interface RequestRule {
  /** Why a request is not for this server, or undefined where it is. */
  judge(request: IncomingMessage): CodedError | undefined;
  /** Whether a `Host` is of this server: all that there is to say of a plain GET. */
  isOwnHost(host: string, socket: RequestHead['socket']): boolean;
}

/** What changes nothing, by its definition. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Its authority as it is written: a URL parser takes the square of what a client may make of an internationalised one. */
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

/** How many spellings of own names are remembered; a client that invents ports gets no further. */
const KNOWN_MAX = 64;

/** @param crossOrigin whose pages may change something all the same, and where */
export function createRequestRule({ publicUrl, hosts = [] }: OwnNames, crossOrigin?: CrossOrigin): RequestRule {
  const known = publicUrl === undefined ? undefined : new URL(publicUrl);
  const names = new Set([...hosts, ...(known ? [known.hostname] : [])].map(nameOf));
  /** `Host` headers that were found to be this server's: asking is all that a hit of the redirect lane pays. */
  const ownHosts = new Set<string>();

  function judgeHost(host: string, socket: RequestHead['socket']): CodedError | undefined {
    if (ownHosts.has(host)) return undefined;
    const address = parseHostPort(host, 80);
    if (address === undefined) return new BadRequestError('The Host header does not name one host.');
    const name = nameOf(address.host);
    if (names.has(name) || isLoopback(name)) {
      if (ownHosts.size < KNOWN_MAX) ownHosts.add(host);
      return undefined;
    }
    // Whatever a listener is bound to, wildcards included: the address that the client did reach.
    if (name === nameOf(socket.localAddress ?? '')) return undefined;
    return new MisdirectedRequestError('This server does not answer for that host.');
  }

  function judgeOrigin(request: IncomingMessage, host: string | undefined): CodedError | undefined {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const isOwnSite = site === 'same-origin' || site === 'none';
    // A browser that is told to send no referrer has "null" for the page's own form.
    const isOwn = origin === undefined || isOwnOrigin(origin, host) || (origin === 'null' && isOwnSite);
    return (isOwn && (site === undefined || isOwnSite)) || crossOrigin?.lets(request)
      ? undefined
      : new ForbiddenError('Another site’s page cannot change anything here.');
  }

  /** `host` is known to be this server's. By what people know it by, one scheme is right. */
  function isOwnOrigin(origin: string, host: string | undefined): boolean {
    if (origin === known?.origin) return true;
    return host !== known?.host && (origin === `http://${host}` || origin === `https://${host}`);
  }

  function judge(request: IncomingMessage): CodedError | undefined {
    const { method, url = '', rawHeaders } = request;
    // The parser reads others, which frame messages in other ways, as if they were one of these.
    if (request.httpVersionMajor !== 1) return new BadRequestError('This server speaks HTTP/1.1 and HTTP/1.0.');
    let host: string | undefined;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string;
      if (name.length !== 4 || (name !== 'Host' && name.toLowerCase() !== 'host')) continue;
      // Two make two servers on the way disagree about one request (RFC 9112, 3.2).
      if (host !== undefined) return new BadRequestError('The request has more than one Host header.');
      host = rawHeaders[i + 1] as string;
    }
    // HTTP/1.0 has none; no browser speaks it.
    if (host === undefined && request.httpVersion !== '1.0')
      return new BadRequestError('The request has no Host header.');
    const refusal = host === undefined ? undefined : judgeHost(host, request.socket);
    if (refusal) return refusal;
    // The absolute form of a target has a host of its own, which overrules the header.
    const target = url.startsWith('/') ? undefined : ABSOLUTE.exec(url)?.[1];
    const misdirected = target === undefined ? undefined : judgeHost(target, request.socket);
    if (misdirected) return misdirected;
    return SAFE_METHODS.has(method as string) ? undefined : judgeOrigin(request, host?.toLowerCase());
  }

  return { judge, isOwnHost: (host, socket) => judgeHost(host, socket) === undefined };
}

/** One spelling of a host: lower case, no brackets, no dot at the end, addresses in their shortest form. */
function nameOf(host: string): string {
  const name = host.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  return ipaddr.isValid(name) ? ipaddr.process(name).toString() : name;
}

/** Whose a connection or a request is, as far as its number is to be limited. */
import { ownText } from '@lakh/base';
import ipaddr from 'ipaddr.js';
import { RecentMap } from './recent-map.js';
import { createRequestContexts, createTrust } from './request-context.js';
import type { RequestHead } from './request-head.js';

export interface Clients {
  /** Undefined for a proxy that is believed: its connections are many clients'. */
  ofPeer(address: string | undefined): string | undefined;
  /** By the address that a believed proxy has forwarded, where there is one; undefined for requests of such a proxy's own. */
  ofRequest(request: RequestHead): string | undefined;
}

/** @param trustedProxies CIDR blocks */
export function createClients(trustedProxies: readonly string[] = []): Clients {
  const contextOf = createRequestContexts(trustedProxies);
  const isTrusted = createTrust(trustedProxies);
  const ofPeer = (address: string | undefined): string | undefined =>
    !address || isTrusted(address) ? undefined : clientKey(address);
  return { ofPeer, ofRequest: (request) => ofPeer(contextOf(request).clientAddress) };
}

/** Of peers and what they forwarded: reading addresses costs more than all else that a limit does with them. */
const KNOWN_MAX = 8192;
/** Two addresses and what may stand beside them; more is read each time. */
const KNOWN_LENGTH_MAX = 128;

/**
 * By what the client of a request is known where something is counted for each; empty when the connection is gone. A believed proxy that forwards
 * nothing is one too.
 */
export function createClientKeys(trustedProxies: readonly string[] = []): (request: RequestHead) => string {
  const contextOf = createRequestContexts(trustedProxies);
  const known = new RecentMap<string>(KNOWN_MAX);
  return (request) => {
    const remote = request.socket.remoteAddress ?? '';
    const forwarded = trustedProxies.length === 0 ? undefined : request.headers['x-forwarded-for'];
    const text = forwarded === undefined ? remote : `${remote} ${forwarded}`;
    const found = known.get(text);
    if (found !== undefined) return found;
    const key = ownText(clientKey(contextOf(request).clientAddress));
    if (text.length <= KNOWN_LENGTH_MAX) known.set(ownText(text), key);
    return key;
  };
}

/** An IPv4 address, or the 64 bits of an IPv6 network: whoever has one address of it has all. */
export function clientKey(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6 ? networkOf(parsed) : parsed.toString();
}

const networkOf = ({ parts }: ipaddr.IPv6): string =>
  `${parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;

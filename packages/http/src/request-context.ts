/**
 * Who asks, and under which id. X-Forwarded-For and X-Request-Id are what the last hop says they are: they count only when
 * that hop is a proxy that the operator trusts.
 */
import { randomUUID } from 'node:crypto';
import { BlockList, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { RequestHead } from './request-head.js';

export interface RequestContext {
  /** Of the client; 0-9A-Za-z and `-`, safe in a log line and in a header. */
  readonly requestId: string;
  /** IP address without port, IPv4 in dotted form; empty when the connection is gone. */
  readonly clientAddress: string;
}

/** Sent with every answer of the public listener. Pages add their own Content-Security-Policy in place of this one. */
export const securityHeaders: Readonly<Record<string, string>> = Object.freeze({
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
});

const REQUEST_ID = /^[0-9A-Za-z-]{8,64}$/;

/** In its one spelling; IPv4 in dotted form, also where IPv6 carries it. */
function addressOf(text: string): string | undefined {
  return ipaddr.isValid(text) ? ipaddr.process(text).toString() : undefined;
}

/** An entry of X-Forwarded-For, which some proxies write with a port: `203.0.113.7:4711`, `[2001:db8::7]:4711`. */
function forwardedAddress(entry: string): string | undefined {
  const [, bracketed, dotted] = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(entry) ?? [];
  return addressOf(bracketed ?? dotted ?? entry);
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

/** Whether an address is in one of the blocks, also when IPv6 carries it. */
export function createTrust(blocks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const block of blocks) {
    const [network, bits] = block.split('/') as [string, string];
    list.addSubnet(network, Number(bits), familyOf(network));
  }
  return (address) => list.check(address, familyOf(address));
}

/**
 * @param trustedProxies CIDR blocks (`settings.trustedProxies`); none: forwarded headers are ignored
 */
export function createRequestContexts(
  trustedProxies: readonly string[] = [],
): (request: RequestHead) => RequestContext {
  const isTrusted = createTrust(trustedProxies);

  /** Walks back from the connection: the first hop that is not trusted is the client, whatever it says about itself. */
  function clientOf(peer: string, forwarded: string): string {
    let client = peer;
    for (const entry of forwarded === '' ? [] : forwarded.split(',').reverse()) {
      if (!isTrusted(client)) break;
      const hop = forwardedAddress(entry.trim());
      if (!hop) break;
      client = hop;
    }
    return client;
  }

  return (request) => {
    const peer = addressOf(request.socket.remoteAddress ?? '');
    if (!peer || !isTrusted(peer)) return { requestId: randomUUID(), clientAddress: peer ?? '' };
    const given = request.headers['x-request-id'];
    const forwarded = request.headers['x-forwarded-for'];
    return {
      requestId: typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID(),
      clientAddress: clientOf(peer, Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')),
    };
  };
}

/** Whose a connection or a request is, as far as its number is to be limited. */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { createRequestContexts } from './request-context.js';

export interface Clients {
  /** Undefined for a proxy that is believed: its connections are many clients'. */
  ofPeer(address: string | undefined): string | undefined;
  /** By the address that a believed proxy has forwarded, where there is one; undefined for requests of such a proxy's own. */
  ofRequest(request: IncomingMessage): string | undefined;
}

/** @param trustedProxies CIDR blocks */
export function createClients(trustedProxies: readonly string[] = []): Clients {
  const contextOf = createRequestContexts(trustedProxies);
  const proxies = new BlockList();
  for (const block of trustedProxies) {
    const [network, bits] = block.split('/') as [string, string];
    proxies.addSubnet(network, Number(bits), familyOf(network));
  }
  const ofPeer = (address: string | undefined): string | undefined =>
    !address || proxies.check(address, familyOf(address)) ? undefined : clientKey(address);
  return { ofPeer, ofRequest: (request) => ofPeer(contextOf(request).clientAddress) };
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

/** An IPv4 address, or the 64 bits of an IPv6 network: whoever has one address of it has all. */
export function clientKey(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
}

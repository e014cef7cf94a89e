import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

/** What is asked of a request that has no body, whichever lane it came by: a node:http request is one as it is. */
export interface RequestHead {
  readonly method?: string | undefined;
  /** Path and query. */
  readonly url?: string | undefined;
  readonly headers: Readonly<
    Pick<IncomingHttpHeaders, 'accept' | 'accept-language' | 'cookie' | 'host' | 'user-agent'> & {
      'x-forwarded-for'?: string | string[] | undefined;
      'x-request-id'?: string | string[] | undefined;
    }
  >;
  readonly socket: Pick<Socket, 'remoteAddress' | 'localAddress' | 'destroyed'>;
}

import type { Socket } from 'node:net';
import type { RequestHead } from '../request-head.js';
import { type Recognised, valuesOf } from './recogniser.js';

/** A request that the wire lane has recognised. Its headers are read when somebody asks for them, which a hit does not. */
export class PlainRequest implements RequestHead {
  readonly socket: Socket;
  readonly #recognised: Recognised;
  #headers: RequestHead['headers'] | undefined;

  constructor(recognised: Recognised, socket: Socket) {
    this.#recognised = recognised;
    this.socket = socket;
  }

  get method(): Recognised['method'] {
    return this.#recognised.method;
  }

  get cookie(): string | undefined {
    return this.#recognised.cookie;
  }

  get path(): string {
    return this.#recognised.path;
  }

  get url(): string {
    return this.#recognised.path + this.#recognised.query;
  }

  get headers(): RequestHead['headers'] {
    this.#headers ??= headersOf(this.#recognised);
    return this.#headers;
  }
}

function headersOf({ fields, host, cookie }: Recognised): RequestHead['headers'] {
  return {
    host,
    cookie,
    accept: valuesOf(fields, 'accept'),
    'x-forwarded-for': valuesOf(fields, 'x-forwarded-for'),
    'x-request-id': valuesOf(fields, 'x-request-id'),
    // Few ask for them.
    get 'user-agent'() {
      return valuesOf(fields, 'user-agent');
    },
    get 'accept-language'() {
      return valuesOf(fields, 'accept-language');
    },
  };
}

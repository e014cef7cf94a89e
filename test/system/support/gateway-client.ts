import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** Longer than the gateway gives its servers, so that what it says is heard. */
const ANSWER_DEADLINE_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An HTTP client of one address with a bounded number of kept connections. It never sends anything twice. */
export class GatewayClient {
  readonly #address: { readonly hostname: string; readonly port: string };
  readonly #agent: Agent;

  constructor(url: string, connections: number) {
    const { hostname, port } = new URL(url);
    this.#address = { hostname, port };
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections });
  }

  /** Rejects when the connection is lost or nothing comes for half a minute; any status is an answer. */
  async ask(method: 'GET' | 'POST', path: string, body?: string): Promise<Answer> {
    // Lets a connection that the other side closed behind its last answer be noticed before it is used again.
    await new Promise(setImmediate);
    return this.#send(method, path, body);
  }

  #send(method: string, path: string, body: string | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers =
        body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
      const options = { ...this.#address, agent: this.#agent, method, path, headers, timeout: ANSWER_DEADLINE_MS };
      const outgoing = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode as number, headers: response.headers, body: text }),
        );
        response.on('error', reject);
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${ANSWER_DEADLINE_MS} ms`)));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

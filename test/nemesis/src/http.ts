import { Agent, request } from 'node:http';

export interface AskOptions {
  readonly body?: string | undefined;
  /** Of the API. */
  readonly token?: string | undefined;
  readonly deadlineMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

/** Beyond every deadline of the servers but a frozen one's: then the outcome is unknown, as a browser's would be. */
const ANSWER_DEADLINE_MS = 5_000;

/** An HTTP client that sends each request exactly once, on kept connections. */
export class Http {
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });

  /** Rejects when the connection is lost, or nothing whole comes within `deadlineMs`; any status is an answer. */
  ask(method: string, url: string, { body, token, deadlineMs = ANSWER_DEADLINE_MS }: AskOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = {
        ...(body === undefined
          ? {}
          : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      };
      const outgoing = request(url, { method, headers, agent: this.#agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, location: response.headers.location, body: text });
        });
        response.on('error', reject);
      });
      const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
      outgoing.on('close', () => clearTimeout(timer));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

import type { ServerResponse } from 'node:http';

/** An answer whose body is at hand. */
export interface Answer {
  readonly status: number;
  /** Names and values in turn, or by name; `Content-Length` is among them. */
  readonly headers: readonly string[] | Readonly<Record<string, string | number>>;
  /** What a HEAD is not sent. */
  readonly body: string;
}

export function sendAnswer(
  response: ServerResponse,
  { status, headers, body }: Answer,
  isHead = response.req?.method === 'HEAD',
): void {
  response.writeHead(status, headers as string[]);
  response.end(isHead ? undefined : body);
}

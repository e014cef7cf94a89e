/**
 * Requests that are answered while they arrive, for as long as their clients go on: the time limit of a request is not theirs. What the server has to
 * know of one to bound it all the same hangs on its response.
 */
import type { ServerResponse } from 'node:http';

/** Why the server ends a stream: its client has brought nothing for too long, or the server stops. */
export type StreamEnd = 'stalled' | 'stopping';

export interface Stream {
  /** Grows with whatever the client completes. */
  readonly progress: number;
  /** Whether nothing is left to do before the client sends more. */
  readonly isWaiting: boolean;
  /** Takes no more from the client, answers what it has, and says so. */
  end(why: StreamEnd): void;
}

const STREAM = Symbol('stream');

type Streaming = ServerResponse & { [STREAM]?: Stream };

/** From now on the request of this response is one. */
export function beginStream(response: ServerResponse, stream: Stream): void {
  (response as Streaming)[STREAM] = stream;
}

export function streamOf(response: ServerResponse): Stream | undefined {
  return (response as Streaming)[STREAM];
}

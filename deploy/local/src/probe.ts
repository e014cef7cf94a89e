import { get } from 'node:http';
import { connect } from 'node:net';

const PROBE_DEADLINE_MS = 1_000;
const MAX_BODY_BYTES = 65_536;

export interface ProbeAnswer {
  readonly status: number;
  readonly body: string;
}

/** One GET of a loopback address; undefined when there is no whole answer within a second. */
export function httpProbe(port: number, path: string): Promise<ProbeAnswer | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > MAX_BODY_BYTES) settle(undefined);
      });
      response.on('end', () => settle({ status: response.statusCode ?? 0, body }));
      response.on('error', () => settle(undefined));
    });
    const timer = setTimeout(() => settle(undefined), PROBE_DEADLINE_MS);
    function settle(answer: ProbeAnswer | undefined): void {
      clearTimeout(timer);
      request.destroy();
      resolve(answer);
    }
    request.on('error', () => settle(undefined));
    request.on('close', () => settle(undefined));
  });
}

/**
 * Sends `question` to a port of loopback, and reads until `isWhole` or until the server ends the connection: what was read, as
 * latin1; undefined where neither comes within a second.
 */
export function portProbe(
  port: number,
  question: string,
  isWhole: (answer: string) => boolean = () => false,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let answer = '';
    const timer = setTimeout(() => settle(undefined), PROBE_DEADLINE_MS);
    function settle(result: string | undefined): void {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    }
    socket.setEncoding('latin1');
    socket.on('connect', () => socket.write(question));
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (isWhole(answer)) settle(answer);
    });
    socket.on('end', () => settle(answer));
    socket.on('error', () => settle(undefined));
    socket.on('close', () => settle(undefined));
  });
}

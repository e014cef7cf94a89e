import { get } from 'node:http';

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

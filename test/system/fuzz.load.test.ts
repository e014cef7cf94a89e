import { fuzz } from './support/fuzz';

jest.setTimeout(240_000);

/** fuzz.long.test.ts has more of the same. */
const REQUESTS = 40_000;

test(`${REQUESTS} malformed requests: no 5xx, no crash, no hang, and memory stays`, () =>
  fuzz({ seed: 20_260_729, requests: REQUESTS }));

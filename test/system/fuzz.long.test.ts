import { fuzz } from './support/fuzz';

jest.setTimeout(900_000);

const REQUESTS = 200_000;

test(`${REQUESTS} malformed requests: no 5xx, no crash, no hang, and memory stays`, () =>
  fuzz({ seed: 20_261_127, requests: REQUESTS }));

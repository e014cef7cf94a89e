import type { Answer } from './http.js';

/** Problem details (RFC 9457) that no cache keeps. */
export function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, ...answer.json() }).toMatchObject({ status, code, type: `urn:lakh:error:${code}` });
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['cache-control']).toBe('no-store');
}

/** `field rule` of each named problem of a 422, in order. */
export function namedProblems(answer: Answer): string[] {
  expectProblem(answer, 422, 'invalid_request');
  const errors = answer.json().errors as { field: string; rule: string; reason: string }[];
  for (const { reason } of errors) expect(reason).toMatch(/\S/);
  return errors.map(({ field, rule }) => `${field} ${rule}`).sort();
}

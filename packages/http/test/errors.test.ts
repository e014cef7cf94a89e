import { CodedError } from '@lakh/base';
import * as kit from '../src/index.js';
import {
  InvalidRequestError,
  MethodNotAllowedError,
  OverloadedError,
  ProblemError,
  securityHeaders,
  statusOf,
  toProblem,
} from '../src/index.js';

/** As a domain's errors are: a code, and perhaps when to ask again. */
class ForeignError extends CodedError {
  readonly code: string;
  readonly retryAfterS?: number;
  constructor(code: string, retryAfterS?: number) {
    super('inner words: mysql://10.0.0.1');
    this.code = code;
    if (retryAfterS !== undefined) this.retryAfterS = retryAfterS;
  }
}

describe('problem details', () => {
  test('each class has a code and a status of its own', () => {
    const classes = Object.values(kit).filter(
      (value): value is new (argument: never) => ProblemError =>
        typeof value === 'function' && value.prototype instanceof ProblemError,
    );
    const made = classes.map((Class) => new Class([] as never));
    expect(new Set(made.map(({ code }) => code)).size).toBe(classes.length);
    for (const error of made) {
      expect(error.name).toBe(error.constructor.name);
      const status = statusOf(error.code);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(toProblem(error)).toMatchObject({ status, body: { code: error.code, status } });
    }
    expect(made.map(({ code }) => `${statusOf(code)} ${code}`).sort()).toEqual([
      '400 bad_request',
      '400 malformed_json',
      '401 unauthorized',
      '404 not_found',
      '405 method_not_allowed',
      '408 request_timeout',
      '413 payload_too_large',
      '414 uri_too_long',
      '415 unsupported_media_type',
      '417 expectation_failed',
      '421 misdirected_request',
      '422 invalid_request',
      '429 rate_limited',
      '429 too_many_in_flight',
      '431 headers_too_large',
      '500 internal',
      '503 overloaded',
      '503 stopping',
    ]);
  });

  test('an invalid request names each field', () => {
    const problems = [{ field: 'long_url', rule: 'required', reason: 'is missing' }];
    expect(toProblem(new InvalidRequestError(problems))).toEqual({
      status: 422,
      headers: { ...securityHeaders, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
      body: {
        type: 'urn:lakh:error:invalid_request',
        title: 'Invalid request',
        status: 422,
        code: 'invalid_request',
        detail: 'long_url: is missing',
        errors: problems,
      },
    });
  });

  test('titles and details are sentences that a person would write', () => {
    expect(toProblem(new kit.MalformedJsonError('x')).body.title).toBe('Malformed JSON');
    expect(toProblem(new kit.UriTooLongError('x')).body.title).toBe('URI too long');
    const methods = ['GET', 'HEAD', 'DELETE'];
    const told = [1, 2, 3].map((count) => new MethodNotAllowedError(methods.slice(0, count)).message);
    expect(told).toEqual(
      ['GET', 'GET and HEAD', 'GET, HEAD and DELETE'].map((list) => `Only ${list} can be used here.`),
    );
    const noObject = new InvalidRequestError([{ field: '', rule: 'not_an_object', reason: 'must be a JSON object' }]);
    expect(noObject.message).toBe('The body must be a JSON object');
  });

  test('a wrong method comes with Allow, a missing token with WWW-Authenticate', () => {
    expect(toProblem(new MethodNotAllowedError(['GET', 'HEAD'])).headers.allow).toBe('GET, HEAD');
    expect(toProblem(new kit.UnauthorizedError('x')).headers['www-authenticate']).toBe('Bearer');
  });

  test('an error of another room keeps its code, has the status of the table, and keeps its message below 500', () => {
    const { status, body } = toProblem(new ForeignError('alias_taken'));
    expect([status, body.code, body.detail]).toEqual([409, 'alias_taken', 'inner words: mysql://10.0.0.1']);
  });

  test('a 503 has Retry-After in whole seconds, at least the default', () => {
    expect(toProblem(new ForeignError('ids_exhausted')).headers['retry-after']).toBe('1');
    expect(toProblem(new ForeignError('ids_exhausted', 2.2)).headers['retry-after']).toBe('3');
    expect(toProblem(new OverloadedError('x')).headers['retry-after']).toBe('1');
  });

  test('a 5xx says nothing of what failed inside', () => {
    for (const error of [
      new ForeignError('store_unavailable'),
      new ForeignError('odd'),
      new ForeignError('namespace_mismatch'),
      new Error('inner words'),
      Object.assign(new Error('inner words'), { code: 'ECONNREFUSED' }),
      Object.assign(new Error('inner words'), { code: 'ER_DUP_ENTRY', status: 500 }),
      'inner words',
      undefined,
      null,
      { code: 'fake', status: 418, message: 'inner words' },
    ]) {
      expect(JSON.stringify(toProblem(error))).not.toContain('inner words');
    }
    expect(toProblem(new Error('x'))).toMatchObject({ status: 500, body: { code: 'internal' } });
  });

  test('a 5xx says what its author vouches for, and nothing else', () => {
    const told = Object.assign(new ForeignError('ids_exhausted'), { publicDetail: 'why, in public words' });
    expect(toProblem(told).body.detail).toBe('why, in public words');
  });

  test.each([
    [400, 'entity.parse.failed', 400, 'malformed_json'],
    [413, 'entity.too.large', 413, 'payload_too_large'],
    [415, 'encoding.unsupported', 415, 'unsupported_media_type'],
    [400, 'request.aborted', 400, 'bad_request'],
    [404, undefined, 404, 'not_found'],
    [400, undefined, 400, 'bad_request'],
  ])('a refusal of the framework, %s %s, becomes %s %s', (status, type, expectedStatus, code) => {
    const error = Object.assign(new Error('Unexpected token in {"secret"'), { status, ...(type ? { type } : {}) });
    const problem = toProblem(error);
    expect([problem.status, problem.body.code]).toEqual([expectedStatus, code]);
    expect(problem.body.detail).not.toContain('secret');
  });
});

import { CodedError } from '@lakh/base';

/** The address of Redis cannot be used; the message never repeats the address, which may hold a password. */
export class InvalidRedisUrlError extends CodedError {
  readonly code = 'invalid_redis_url';
}

/** A command had no answer within its deadline. Stays inside this package: callers of the cache see a miss. */
export class RedisDeadlineError extends CodedError {
  readonly code = 'redis_deadline';
}

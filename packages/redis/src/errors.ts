import { CodedError } from '@lakh/base';

/** The address of Redis cannot be used; the message never repeats the address, which may hold a password. */
export class InvalidRedisUrlError extends CodedError {
  readonly code = 'invalid_redis_url';
}

/** A command had no answer within its deadline. Stays inside this package: callers of the cache see a miss. */
export class RedisDeadlineError extends CodedError {
  readonly code = 'redis_deadline';
}

/** More commands are under way than a server that answers in time ever has. Stays inside this package. */
export class RedisBusyError extends CodedError {
  readonly code = 'redis_busy';
}

/** A server that should be a master is none, or not the one that it was. */
export class NotAMasterError extends CodedError {
  readonly code = 'not_a_master';
}

/** The master that was asked is given up, for what the message says. Stays inside this package. */
export class MasterEndedError extends CodedError {
  readonly code = 'redis_master_ended';
}

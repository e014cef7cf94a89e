/** The address of Redis cannot be used; the message never repeats the address, which may hold a password. */
export class InvalidRedisUrlError extends Error {
  readonly code = 'invalid_redis_url';
  readonly status = 503;
  override get name(): string {
    return 'InvalidRedisUrlError';
  }
}

/** A command had no answer within its deadline. Stays inside this package: callers of the cache see a miss. */
export class RedisDeadlineError extends Error {
  readonly code = 'redis_deadline';
  readonly status = 503;
  override get name(): string {
    return 'RedisDeadlineError';
  }
}

import {
  countTogether,
  createClientKeys,
  createRateLimits,
  type httpSettings,
  type Limit,
  type RateLimits,
  type RequestHead,
  type SharedCounters,
} from '@lakh/http';
import type { SettingsOf } from '@lakh/settings';
import type { Registry } from 'prom-client';
import type { Logger } from './logging.js';

const LINE_EVERY_MS = 60_000;

const UNBELIEVED =
  'X-Forwarded-For is believed from nobody but LAKH_TRUSTED_PROXIES: is this a proxy, and all its clients one?';

/** The limits of a server, as its settings have them; of a process that is one of a group, counted together with it. */
export function createProgramLimits(
  settings: Pick<
    SettingsOf<typeof httpSettings>,
    'changesPerMin' | 'missesPerMin' | 'wrongTokensPerMin' | 'trustedProxies'
  >,
  registry: Registry,
  log: Pick<Logger, 'warn'>,
  group?: SharedCounters,
): RateLimits {
  const clientOf = createClientKeys(settings.trustedProxies);
  const onRefused = refusalLog(log, clientOf);
  const limits = createRateLimits({ ...settings, clientOf, registry, onRefused });
  if (!group) return limits;
  const share = limits.shareOver.bind(limits);
  limits.shareOver = (counters) => share(counters ? countTogether(group, counters) : group);
  share(group);
  return limits;
}

/** The first refusal by each limit is told at once, and from then on a line a minute at most, with how many there were since the last. */
export function refusalLog(
  log: Pick<Logger, 'warn'>,
  clientOf: (request: RequestHead) => string,
  nowMs: () => number = () => performance.now(),
): (limit: Limit, request: RequestHead) => void {
  const told = new Map<Limit, { refused: number; nextMs: number }>();
  return (limit, request) => {
    const since = told.get(limit) ?? { refused: 0, nextMs: 0 };
    told.set(limit, since);
    since.refused += 1;
    if (nowMs() < since.nextMs) return;
    const client = clientOf(request);
    const isForwarded = request.headers['x-forwarded-for'] !== undefined;
    const hint = isForwarded && client === clientOf({ socket: request.socket, headers: {} });
    log.warn(
      { limit, refused: since.refused, client, ...(hint && { hint: UNBELIEVED }) },
      'a client has reached a rate limit and is refused',
    );
    since.refused = 0;
    since.nextMs = nowMs() + LINE_EVERY_MS;
  };
}

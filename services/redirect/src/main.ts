#!/usr/bin/env node
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '@lakh/backend';
import { openCluster } from '@lakh/backend/cluster';
import { createRyowReader } from '@lakh/http';
import { DEFAULT_DOMAIN_ID, OwnHosts } from '@lakh/links';
import { type ProgramContext, runProgram } from '@lakh/process';
import { createRedirects, createWarmth, type Redirects, redirectRoutes, type Warmth } from '@lakh/redirects';
import { createSite, siteRoutes } from '@lakh/site';
import { type RedirectSettings, readConfig, redirect } from './config.js';

/** A start waits no longer for the keys that servers share. */
const KEYS_WAIT_MS = 1_000;

await runProgram({
  description: {
    name: 'lakh-redirect',
    version: '0.1.0',
    description: 'Redirects short links: in-process cache, then Redis, then MySQL. Never talks to ZooKeeper.',
    program: redirect,
    examples: ['LAKH_DATABASE_FILE=/run/secrets/database LAKH_REDIS=redis://127.0.0.1:6379 lakh-redirect'],
  },
  argv: process.argv.slice(2),
  config: readConfig,
  routes: [siteRoutes, redirectRoutes],
  start,
  // Nothing that workers share: what Redis has is proven on each one's own connection.
  supervise: async () => {},
});

async function start(context: ProgramContext<RedirectSettings>): Promise<void> {
  const { settings, log, registry, lifecycle, listener } = context;
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const backend = openCluster({ settings, clock, observed: { log, registry } });
  lifecycle.onStop('backend', () => backend.close());
  const { links: store, cache, checks, keys } = backend;
  const redirects = createRedirects({
    domainId: DEFAULT_DOMAIN_ID,
    store,
    cache,
    ownHosts: new OwnHosts(listener.ownUrls, hostname()),
    settings,
    clock,
    hasJustWritten: createRyowReader(() => keys.find('read-your-writes cookie')),
    registry,
    metrics: listener.metrics,
    limits: listener.limits,
    onError: context.onRequestError,
  });
  for (const [name, check] of Object.entries(checks)) context.addCheck(name, check);
  context.addCheck('links', redirects.health(backend.sources));

  const keysLoaded = backend.loadKeys(lifecycle.signal);
  listener.limits.shareOver(backend.counters);
  lifecycle.onStop('relay', backend.relay());
  if (backend.changes) lifecycle.onStop('changes', backend.changes.follow(redirects.l1));
  await backend.reachLinks(lifecycle.signal);
  // Without them Redis is believed by the form of what it has: only where the database is away.
  await Promise.race([keysLoaded, sleep(KEYS_WAIT_MS, undefined, { ref: false })]);
  const publicUrl = settings.publicUrl ?? listener.url;
  const site = createSite({
    domainId: DEFAULT_DOMAIN_ID,
    resolver: redirects.resolver,
    store,
    limits: listener.limits,
    clock,
    publicUrl,
    settings,
  });
  const warmth = warmthOf(context, backend, redirects);
  await warmth?.begin(lifecycle.signal);
  await listener.serve(site, redirects);
  if (warmth) lifecycle.onStop('busy links', warmth.keep());
}

/** Undefined where nothing is kept in this process, or nobody tells what is busy. */
function warmthOf(
  { settings, log }: ProgramContext<RedirectSettings>,
  { busyCodes: codes, isCacheProven: isProven }: Backend,
  { l1, resolver }: Redirects,
): Warmth | undefined {
  if (codes === undefined || settings.l1MaxBytes === 0 || settings.l1TtlMs === 0) return undefined;
  return createWarmth({ domainId: DEFAULT_DOMAIN_ID, codes, l1, resolver, isProven, log });
}

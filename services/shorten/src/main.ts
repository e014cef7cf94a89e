#!/usr/bin/env node
import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  API_PASSWORDS,
  accessPolicy,
  apiRoutes,
  auditClaims,
  auditDeletes,
  auditEdits,
  auditRestores,
  countReplays,
  createApi,
  createDescription,
  createKeysApi,
  descriptionRoutes,
  digest,
  keyRoutes,
  openKeyRing,
  restoreMsOf,
} from '@lakh/api';
import { type Backend, openCluster } from '@lakh/backend/cluster';
import { createRyowCookie, PasswordKeeper } from '@lakh/http';
import { systemClock } from '@lakh/id-range';
import {
  codecOf,
  createIssuing,
  createWorkerIssuing,
  type Issuing,
  metricsAndLog,
  serveSlices,
  slicesOf,
  supervisorMetricsAndLog,
  type WorkerIssuing,
  workerMetricsAndLog,
} from '@lakh/issuing';
import {
  createEditor,
  createInsertIds,
  createRemover,
  createRestorer,
  createShortener,
  DEFAULT_DOMAIN_ID,
  OwnHosts,
} from '@lakh/links';
import { createPage, pageRoutes } from '@lakh/page';
import { type ProgramContext, runProgram, type SupervisorContext, thisProcess } from '@lakh/process';
import { readConfig, type ShortenSettings, shorten } from './config.js';

await runProgram({
  description: {
    name: 'lakh-shorten',
    version: '0.1.0',
    description: 'Shortens links: leases ranges of counters through ZooKeeper, and keeps the links in MySQL.',
    program: shorten,
    examples: [
      'LAKH_ZOOKEEPER=zk1:2181,zk2:2181,zk3:2181/lakh LAKH_DATABASE_FILE=/run/secrets/database lakh-shorten',
      'LAKH_LISTEN=0.0.0.0:8080 LAKH_PUBLIC_URL=https://lakh.example LAKH_API_TOKENS_FILE=/etc/lakh/tokens … lakh-shorten',
    ],
  },
  argv: process.argv.slice(2),
  config: readConfig,
  routes: [apiRoutes, keyRoutes, descriptionRoutes, pageRoutes],
  start,
  supervise,
});

type Context = ProgramContext<ShortenSettings>;
type Supervising = SupervisorContext<ShortenSettings>;

/** Of a server of several processes: leases for all, and what one of a server does. */
async function supervise(context: Supervising): Promise<void> {
  const { settings, log, registry, lifecycle, serverId, workers, url } = context;
  // What is shared over Redis is its workers' to share.
  const backend = openCluster({ settings: { ...settings, redis: undefined }, observed: { log, registry } });
  lifecycle.onStop('backend', () => backend.close());
  const issuing = leaseHere(context, backend, supervisorMetricsAndLog);
  serveSlices(workers, issuing);
  await backend.prepare(lifecycle.signal);
  await issuing.start();
  lifecycle.onStop('registration', backend.register(serverId, { url, rangeSize: settings.rangeSize }));
  lifecycle.onStop('idempotency keys', backend.sweep(restoreMsOf(settings)));
}

/** Leases in this process, from before a start until after a stop, and adds the checks of all that takes part. */
function leaseHere(
  context: Pick<Context & Supervising, 'settings' | 'log' | 'registry' | 'lifecycle' | 'serverId' | 'addCheck'>,
  backend: Backend,
  observe: typeof metricsAndLog,
): Issuing {
  const { settings, log, registry, lifecycle, serverId } = context;
  const issuing: Issuing = createIssuing({
    ...backend.witnesses(),
    facts: backend.facts,
    codec: codecOf(settings),
    settings,
    holder: thisProcess(serverId),
    newClusterId: randomUUID,
    clock: systemClock,
    random: Math.random,
    observer: observe(registry, log, () => issuing.figures()),
  });
  lifecycle.onStop('issuing', issuing.stop);
  for (const [name, check] of Object.entries(backend.checks)) context.addCheck(name, check);
  context.addCheck('ids', issuing.health);
  return issuing;
}

/** What a whole server leases, or what its supervisor leases for a worker. */
function issueFrom(context: Context, backend: Backend): WorkerIssuing {
  const { settings, log, registry, lifecycle, supervisor } = context;
  if (supervisor === undefined) return leaseHere(context, backend, metricsAndLog);
  const issuing: WorkerIssuing = createWorkerIssuing({
    source: slicesOf(supervisor),
    codec: codecOf(settings),
    settings,
    clock: systemClock,
    random: Math.random,
    observer: workerMetricsAndLog(registry, log, () => issuing.figures()),
  });
  lifecycle.onStop('issuing', issuing.stop);
  for (const [name, check] of Object.entries(backend.checks)) context.addCheck(name, check);
  context.addCheck('ids', issuing.health);
  return issuing;
}

async function start(context: ProgramContext<ShortenSettings>): Promise<void> {
  const { settings, log, registry, lifecycle, listener, serverId, supervisor } = context;
  const clock = { nowMs: () => Date.now() };
  const access = accessPolicy(settings, log);
  lifecycle.onStop('tokens', access.close);

  const backend = openCluster({ settings, clock, observed: { log, registry } });
  lifecycle.onStop('backend', () => backend.close());
  const { links: store, hasten, facts } = backend;
  const { limits } = listener;
  limits.shareOver(backend.counters);
  const issuing = issueFrom(context, backend);

  await backend.prepare(lifecycle.signal);
  await issuing.start();
  lifecycle.onStop('relay', backend.relay());
  if (supervisor === undefined) {
    lifecycle.onStop('registration', backend.register(serverId, { url: listener.url, rangeSize: settings.rangeSize }));
    lifecycle.onStop('idempotency keys', backend.sweep(restoreMsOf(settings)));
  }

  if (settings.apiKeys) {
    lifecycle.onStop(
      'API keys',
      await openKeyRing({ facts, clock, log, onLoaded: access.takeKeys, signal: lifecycle.signal }),
    );
  }
  const publicUrl = settings.publicUrl ?? listener.url;
  const policy = { maxLength: settings.urlMaxLength, ownHosts: new OwnHosts(listener.ownUrls, hostname()) };
  const passwords = new PasswordKeeper(API_PASSWORDS);
  const changes = { store, hasten };
  const restoreMs = restoreMsOf(settings);
  const options = {
    ...access,
    limits,
    domainId: DEFAULT_DOMAIN_ID,
    shortener: createShortener({
      ...changes,
      codes: issuing.codes,
      clock,
      newInsertId: createInsertIds(randomBytes(8)),
      policy,
      passwords,
      idempotency: { digest, reservations: backend.reservations },
      grace: { restoreMs, anonymousOwns: access.isAlone },
      onClaimed: auditClaims(log),
    }),
    clock,
    ryowCookie: createRyowCookie(backend.keys.get('read-your-writes cookie'), publicUrl.startsWith('https:')),
    publicUrl,
    onReplayed: countReplays(registry),
    onError: context.onRequestError,
  };
  const editor = createEditor({ ...changes, clock, policy, onEdited: auditEdits(log), digest, passwords });
  const remover = createRemover({ ...changes, grace: { clock, restoreMs }, onRemoved: auditDeletes(log) });
  const restorer = createRestorer({ ...changes, clock, restoreMs, onRestored: auditRestores(log) });
  await issuing.attempted();
  await listener.serve(
    createApi({ ...options, editor, remover, restorer, store, metrics: listener.metrics }),
    createKeysApi({ ...options, isOn: settings.apiKeys, facts, log }),
    createDescription({ publicUrl }),
    createPage({ ...options, store }),
  );
}

#!/usr/bin/env node
import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { accessPolicy, apiRoutes, createApi } from '@lakh/api';
import { openClusterStorage, startRelay } from '@lakh/backend';
import { systemClock } from '@lakh/id-range';
import { codecOf, createIssuing, type Issuing, metricsAndLog } from '@lakh/issuing';
import { createInsertIds, createRemover, createShortener, OwnHosts } from '@lakh/links';
import { createMysqlLedger } from '@lakh/mysql';
import { createPage, pageRoutes } from '@lakh/page';
import { type ProgramContext, runProgram } from '@lakh/process';
import {
  createZookeeperMarkStore,
  createZookeeperRemainderStore,
  createZookeeperSession,
  parseZookeeperAddress,
  registerServer,
  type ZookeeperSession,
} from '@lakh/zookeeper';
import { readConfig, type ShortenSettings, shorten } from './config.js';
import { prepareDatabase } from './prepare-database.js';

await runProgram({
  description: {
    name: 'lakh-shorten',
    version: '0.1.0',
    description: 'Shortens links: leases ranges of counters through ZooKeeper, and keeps the links in MySQL.',
    program: shorten,
    examples: [
      'LAKH_ZOOKEEPER=zk1:2181,zk2:2181,zk3:2181/lakh LAKH_SHARDS_FILE=/run/secrets/shards lakh-shorten',
      'LAKH_LISTEN=0.0.0.0:8080 LAKH_PUBLIC_URL=https://lakh.example LAKH_API_TOKENS_FILE=/etc/lakh/tokens … lakh-shorten',
    ],
  },
  argv: process.argv.slice(2),
  config: readConfig,
  start,
});

async function start(context: ProgramContext<ShortenSettings>): Promise<void> {
  const { settings, log, registry, lifecycle, serverId } = context;
  const clock = { nowMs: () => Date.now() };
  const codec = codecOf(settings);
  const access = accessPolicy(settings, log);

  const storage = openClusterStorage({ settings, clock, log, registry });
  lifecycle.onStop('storage', () => storage.close());
  const session = openSession(context);
  for (const [name, check] of Object.entries(storage.checks)) context.addCheck(name, check);

  const inZookeeper = { namespace: settings.namespace, connectWaitMs: zookeeperDeadlineMs(settings) };
  const holder = { serverId, host: hostname(), processStartMs: Math.round(performance.timeOrigin) };
  const issuing: Issuing = createIssuing({
    marks: createZookeeperMarkStore(session, inZookeeper),
    remainders: createZookeeperRemainderStore(session, inZookeeper),
    ledger: createMysqlLedger({ pool: storage.pool, namespace: settings.namespace, timer: storage.timer }),
    facts: storage.settings,
    codec,
    settings,
    holder,
    newClusterId: randomUUID,
    clock: systemClock,
    random: Math.random,
    observer: metricsAndLog(registry, log, () => issuing.figures()),
  });
  lifecycle.onStop('issuing', issuing.stop);
  context.addCheck('ids', issuing.health);

  const listener = await context.open([...Object.values(apiRoutes), ...Object.values(pageRoutes)]);
  await prepareDatabase({ storage, settings, log, signal: lifecycle.signal });
  await issuing.start();
  lifecycle.onStop('registration', registerServer(session, serverId, describeServer(listener.url)));
  lifecycle.onStop('invalidation relay', startRelay(storage, log));

  const publicUrl = settings.publicUrl ?? listener.url;
  const { store, cache, outbox } = storage;
  const options = {
    ...access,
    shortener: createShortener({
      store,
      codes: issuing.codes,
      clock,
      newInsertId: createInsertIds(randomBytes(8)),
      policy: { maxLength: settings.urlMaxLength, ownHosts: new OwnHosts([publicUrl, listener.url]) },
    }),
    clock,
    publicUrl,
    onError: context.onRequestError,
  };
  listener.serve(
    createApi({ ...options, remover: createRemover({ store, cache, outbox }), store, metrics: listener.metrics }),
    createPage({ ...options, urlMaxLength: settings.urlMaxLength }),
  );

  function describeServer(url: string) {
    return {
      pid: process.pid,
      url,
      startedAt: new Date().toISOString(),
      // As the leases of this process have it, so that an operator's tool can tell which of them are held.
      host: holder.host,
      processStartMs: holder.processStartMs,
      rangeSize: settings.rangeSize,
    };
  }
}

/** Half of the lease's: what a frozen node takes of it is left over for finding one that answers. */
function zookeeperDeadlineMs({ leaseDeadlineMs }: ShortenSettings): number {
  return Math.ceil(leaseDeadlineMs / 2);
}

function openSession({ settings, log, lifecycle, addCheck }: ProgramContext<ShortenSettings>): ZookeeperSession {
  const { servers, chroot } = parseZookeeperAddress(settings.zookeeper);
  const session = createZookeeperSession({
    servers,
    chroot,
    deadlineMs: zookeeperDeadlineMs(settings),
    log,
    ...(settings.zookeeperAuth === undefined
      ? {}
      : { auth: { scheme: 'digest' as const, credential: settings.zookeeperAuth } }),
  });
  lifecycle.onStop('ZooKeeper session', () => session.close());
  // Issuing goes on from held ranges without it; the check `ids` says for how long.
  addCheck('zookeeper', () =>
    session.state === 'connected' ? { status: 'ok' } : { status: 'degraded', detail: session.state },
  );
  return session;
}

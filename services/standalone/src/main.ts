#!/usr/bin/env node
import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { accessPolicy } from '@lakh/api';
import { createHttpMetrics } from '@lakh/http';
import { systemClock } from '@lakh/id-range';
import { codecOf, createIssuing, type Issuing, metricsAndLog } from '@lakh/issuing';
import { createInsertIds, createRemover, createShortener, OwnHosts } from '@lakh/links';
import { createShortenApp } from '@lakh/page';
import { type ProgramContext, runProgram } from '@lakh/process';
import { createRedirectService } from '@lakh/redirects';
import { openEmbedded } from '@lakh/sqlite';
import { readConfig, type StandaloneSettings, standalone } from './config.js';
import { addOperations } from './operations.js';
import { createRouter } from './router.js';

const DATA_FILE = 'lakh.db';

await runProgram({
  description: {
    name: 'lakh',
    version: '0.1.0',
    description: 'Lakh on one machine: shortens and redirects, and keeps everything in one SQLite file.',
    program: standalone,
    examples: ['npm start', 'LAKH_LISTEN=127.0.0.1:9000 LAKH_DATA_DIR=/var/lib/lakh npm start'],
  },
  argv: process.argv.slice(2),
  config: readConfig,
  start,
});

async function start(context: ProgramContext<StandaloneSettings>): Promise<void> {
  const { settings, log, registry, lifecycle, serverId } = context;
  const clock = { nowMs: () => Date.now() };
  const onError = context.onRequestError;
  const codec = codecOf(settings);
  const access = accessPolicy(settings, log);

  const embedded = openEmbedded({ file: join(settings.dataDir, DATA_FILE), log });
  lifecycle.onStop('data file', () => embedded.close());
  const { links: store } = embedded;
  const issuing: Issuing = createIssuing({
    marks: embedded.markStore(settings.namespace),
    ledger: embedded.ledger(settings.namespace),
    remainders: embedded.remainderStore(settings.namespace),
    facts: embedded.settings,
    codec,
    settings,
    holder: { serverId, host: hostname(), processStartMs: Math.round(performance.timeOrigin) },
    newClusterId: randomUUID,
    clock: systemClock,
    random: Math.random,
    observer: metricsAndLog(registry, log, () => issuing.figures()),
  });
  lifecycle.onStop('issuing', issuing.stop);
  context.addCheck('ids', issuing.health);
  await issuing.start();

  addOperations(context, embedded);

  const metrics = createHttpMetrics(registry, ['redirect', 'api', 'page', 'refused']);
  const listener = await context.open({ onRefused: (status) => metrics.observe('refused', status, 0) });
  const publicUrl = settings.publicUrl ?? listener.url;
  const redirect = createRedirectService({ store, settings, clock, registry, metrics, onError });
  const shorten = createShortenApp({
    ...access,
    shortener: createShortener({
      store,
      codes: issuing.codes,
      clock,
      newInsertId: createInsertIds(randomBytes(8)),
      policy: { maxLength: settings.urlMaxLength, ownHosts: new OwnHosts([publicUrl, listener.url]) },
    }),
    remover: createRemover({ store, onRemoved: ({ code }) => redirect.l1.invalidate(code) }),
    store,
    clock,
    publicUrl,
    urlMaxLength: settings.urlMaxLength,
    metrics,
    onError,
  });
  listener.serve({ handler: createRouter(shorten, redirect.handler), fastLane: redirect.fastLane });
  process.stdout.write(`Lakh is ready: ${publicUrl}\n`);
}

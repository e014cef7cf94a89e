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
import { openFile } from '@lakh/backend';
import { serveOperations } from '@lakh/commands';
import { createRyowCookie, createRyowReader, PasswordKeeper } from '@lakh/http';
import { systemClock } from '@lakh/id-range';
import { codecOf, createIssuing, type Issuing, metricsAndLog } from '@lakh/issuing';
import {
  createEditor,
  createInsertIds,
  createRemover,
  createRestorer,
  createShortener,
  DEFAULT_DOMAIN_ID,
  type Invalidation,
  OwnHosts,
} from '@lakh/links';
import { createPage, pageRoutes } from '@lakh/page';
import { type ProgramContext, runProgram, thisProcess } from '@lakh/process';
import { createRedirects, redirectRoutes } from '@lakh/redirects';
import { createSite, siteRoutes } from '@lakh/site';
import { readConfig, type StandaloneSettings, standalone } from './config.js';

await runProgram({
  description: {
    name: 'lakh-standalone',
    version: '0.1.0',
    description: 'Lakh on one machine: shortens and redirects, and keeps everything in one SQLite file.',
    program: standalone,
    examples: ['npm start', 'LAKH_LISTEN=127.0.0.1:9000 LAKH_DATA_DIR=/var/lib/lakh npm start'],
  },
  argv: process.argv.slice(2),
  config: readConfig,
  routes: [siteRoutes, redirectRoutes, apiRoutes, keyRoutes, descriptionRoutes, pageRoutes],
  start,
});

async function start(context: ProgramContext<StandaloneSettings>): Promise<void> {
  const { settings, log, registry, lifecycle, listener, serverId } = context;
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const codec = codecOf(settings);
  const access = accessPolicy(settings, log);
  lifecycle.onStop('tokens', access.close);

  const backend = openFile({ settings, log });
  lifecycle.onStop('backend', () => backend.close());
  const { links: store } = backend;
  const issuing: Issuing = createIssuing({
    ...backend.witnesses(),
    facts: backend.facts,
    codec,
    settings,
    holder: thisProcess(serverId),
    newClusterId: randomUUID,
    clock: systemClock,
    random: Math.random,
    observer: metricsAndLog(registry, log, () => issuing.figures()),
  });
  lifecycle.onStop('issuing', issuing.stop);
  context.addCheck('ids', issuing.health);
  await backend.prepare(lifecycle.signal);
  await issuing.start();

  const { metrics, limits } = listener;
  lifecycle.onStop('registration', backend.register(serverId, { url: listener.url, rangeSize: settings.rangeSize }));
  lifecycle.onStop('idempotency keys', backend.sweep(restoreMsOf(settings)));
  await serveOperations(context, backend);
  if (settings.apiKeys) {
    lifecycle.onStop(
      'API keys',
      await openKeyRing({ facts: backend.facts, clock, log, onLoaded: access.takeKeys, signal: lifecycle.signal }),
    );
  }
  const publicUrl = settings.publicUrl ?? listener.url;
  const ownHosts = new OwnHosts(listener.ownUrls, hostname());
  const ryowKey = backend.keys.get('read-your-writes cookie');
  const common = { domainId: DEFAULT_DOMAIN_ID, settings, clock, limits, onError: context.onRequestError };
  const hasJustWritten = createRyowReader(() => ryowKey);
  const redirects = createRedirects({ ...common, store, ownHosts, hasJustWritten, registry, metrics });
  const policy = { maxLength: settings.urlMaxLength, ownHosts };
  const passwords = new PasswordKeeper(API_PASSWORDS);
  const changes = { store, invalidate: (invalidation: Invalidation) => redirects.l1.changed(invalidation) };
  const restoreMs = restoreMsOf(settings);
  const options = {
    ...access,
    ...common,
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
    ryowCookie: createRyowCookie(ryowKey, publicUrl.startsWith('https:')),
    publicUrl,
    onReplayed: countReplays(registry),
  };
  const editor = createEditor({ ...changes, clock, policy, onEdited: auditEdits(log), digest, passwords });
  const remover = createRemover({ ...changes, grace: { clock, restoreMs }, onRemoved: auditDeletes(log) });
  const restorer = createRestorer({ ...changes, clock, restoreMs, onRestored: auditRestores(log) });
  const api = createApi({ ...options, editor, remover, restorer, store, metrics });
  await issuing.attempted();
  const site = createSite({ ...common, store, resolver: redirects.resolver, publicUrl });
  const keysApi = createKeysApi({ ...options, isOn: settings.apiKeys, facts: backend.facts, log });
  const about = createDescription({ publicUrl });
  await listener.serve(site, redirects, api, keysApi, about, createPage({ ...options, store }));
  process.stdout.write(`Lakh is ready: ${publicUrl}\n`);
}

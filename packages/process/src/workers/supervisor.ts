/** A server of several processes: this one starts them, renews and ends them, and has the admin listener. It serves nobody else. */
import { listen } from '@lakh/http';
import { createAdminServer } from '../admin.js';
import { createLifecycle } from '../lifecycle.js';
import { createMetrics } from '../metrics.js';
import type { ProgramConfig } from '../program-config.js';
import type { RunOptions, ServerSettings } from '../program-context.js';
import type { HealthCheck } from '../readiness.js';
import { DRAIN_MARGIN_MS, logAdmin, logOf, logStart, openListeners, ownNamesOf } from '../server-parts.js';
import { WorkerFailedError } from './member.js';
import { Staff } from './staff.js';

export async function runSupervisor<S extends ServerSettings>(
  options: RunOptions<S> & { readonly supervise: NonNullable<RunOptions<S>['supervise']> },
  config: ProgramConfig<S>,
  { serverId, count }: { readonly serverId: string; readonly count: number },
): Promise<void> {
  const { description, supervise } = options;
  const { settings, startedByNpm } = config;
  const log = logOf(description.program, settings, serverId);
  const metrics = createMetrics({ program: description.program.name, version: description.version });
  const { registry } = metrics;
  let failedWith: number | undefined;
  const lifecycle = createLifecycle({
    log,
    drainTimeoutMs: settings.drainTimeoutMs + DRAIN_MARGIN_MS,
    exit(code) {
      // Whoever ends at once ends them too; otherwise they have ended, or will by themselves when this process is gone.
      if (code > 1 || failedWith !== undefined) staff.fleet.killAll();
      process.exit(failedWith ?? code);
    },
    startedByNpm,
  });
  const checks: Record<string, HealthCheck> = {};
  const staff = new Staff({
    ...{ settings, serverId, count, log, registry, lifecycle, checks },
    onHopeless(why) {
      failedWith = 1;
      void lifecycle.drain(why);
    },
  });
  const admin = createAdminServer({
    own: ownNamesOf(settings),
    registry,
    lifecycle,
    checks,
    readiness: staff.voice.readiness,
    metricsText: staff.voice.metricsText,
    onError: (error) => log.error({ err: error }, 'the admin listener failed to answer'),
  });
  const urls = await openListeners(description.name, [
    ['LAKH_ADMIN_LISTEN', settings.adminListen, async () => (await listen(admin, settings.adminListen)).url],
    ['LAKH_LISTEN', settings.listen, () => staff.settleAddress()],
  ]);
  if (!urls) {
    metrics.stop();
    await admin.drain(0);
    return;
  }
  const [adminUrl, url] = urls as [string, string];

  await lifecycle.main(async () => {
    logStart(log, options, config, count);
    lifecycle.onStop('metrics', metrics.stop);
    lifecycle.onStop('admin listener', async () => void (await admin.drain(0)));
    logAdmin(log, adminUrl, settings.adminListen);
    await supervise({
      ...{ settings, serverId, log, registry, lifecycle, url, workers: staff },
      addCheck(check, look) {
        checks[check] = look;
      },
    });
    await staff.start().catch((error: unknown) => {
      // One that was told to end, because all are, is no failure of the start.
      if (lifecycle.state === 'starting') failedWith = (error instanceof WorkerFailedError && error.exitCode) || 1;
      throw error;
    });
    if (lifecycle.state === 'starting') log.info({ address: url }, 'started');
  });
}

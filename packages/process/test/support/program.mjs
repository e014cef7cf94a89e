/** A server of one route, for tests of how its workers live. `TEST_TROUBLE` names a file; while it is there a worker cannot start. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpSettings } from '../../../http/dist/index.js';
import { defineProgram } from '../../../settings/dist/index.js';
import { processSettings, readProgramConfig, runProgram, workersRule } from '../../dist/index.js';

const program = defineProgram({
  name: 'redirect',
  settings: { ...httpSettings, ...processSettings },
  rules: [workersRule],
});
const routes = {
  whoIsThere: {
    ...{ method: 'GET', path: '/api/who', service: 'any', role: 'test' },
    ...{ rate: 'changes', errors: 'problem', label: 'api' },
  },
};

await runProgram({
  description: { name: 'test-server', version: '0.1.0', description: 'For tests.', program },
  argv: process.argv.slice(2),
  config: () => readProgramConfig(program, process.env),
  routes: [routes],
  supervise: async ({ log, lifecycle }) => lifecycle.onStop('test', () => log.info('all workers have ended')),
  async start({ listener, settings }) {
    if (existsSync(process.env.TEST_TROUBLE)) throw new Error('there is trouble');
    await listener.serve({
      routes,
      handlers: {
        async whoIsThere(request, response) {
          listener.limits.admit('changes', request, response);
          await sleep(Number(request.headers['x-wait'] ?? 0));
          response.json({ pid: process.pid, maxConnections: settings.maxConnections });
        },
      },
    });
  },
});

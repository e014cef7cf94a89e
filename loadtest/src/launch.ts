import { type LocalServer, launch, type ServerPlan } from '@lakh/local';
import type { Scope } from './scope.js';

/** Launches a plan and ends it with the scope, also when that closes while the server is still starting. */
export function launchIn(scope: Scope, plan: ServerPlan): Promise<LocalServer> {
  scope.assertOpen();
  const launching = launch(plan);
  scope.defer(() =>
    launching.then(
      (server) => server.stop(),
      () => undefined,
    ),
  );
  return launching;
}

import { type LocalServer, launch, type ServerPlan } from '@lakh/local';
import type { Scope } from './scope.js';

/** Launches a plan and ends it with the scope. */
export function launchIn(scope: Scope, plan: ServerPlan): Promise<LocalServer> {
  scope.assertOpen();
  return endWith(scope, launch(plan));
}

/** Ends a server with the scope, also when that closes while the server is still starting: until then it knows no process. */
export function endWith(scope: Scope, starting: Promise<LocalServer>): Promise<LocalServer> {
  scope.defer(() =>
    starting.then(
      (server) => server.stop(),
      () => undefined,
    ),
  );
  return starting;
}

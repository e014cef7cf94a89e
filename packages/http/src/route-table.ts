/**
 * The table of routes: what a face answers, as data. Routing, `Allow`, body limits, error forms, metrics labels, the gateway's
 * locations and the test of the API's description follow from its rows; each face exports its own.
 */

/** Every method that a route may have, in the order in which `Allow` names them. HEAD comes with GET. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'] as const;

/** A body that a route takes; anything else is refused by its headers, before it is read. */
export interface BodyRule {
  /** `patch`: JSON that changes what is there, by its own media type (RFC 7396) or as plain JSON. `batch`: JSON, or JSON a line, of any length. */
  readonly type: 'json' | 'patch' | 'form' | 'batch';
  /** What it holds, as the caller is told: "Send the link as application/json." */
  readonly holds: string;
  /** JSON with nothing that is required: who sends no body at all need not name its type either. */
  readonly isOptional?: boolean;
  /** Of a body that is read whole before it is looked at. */
  readonly maxBytes: number;
  /** Of one line, where a body comes in lines. */
  readonly maxLineBytes?: number;
}

/** One operation: a method of a path. */
export interface Route {
  /** `:name` stands for one whole segment, or what is before a plus or an ending (`/:code+`, `/:code.qr`); a verb may stand behind the last one, as in `/links:batch`. */
  readonly path: string;
  readonly method: Exclude<(typeof METHODS)[number], 'HEAD'>;
  /** The service that answers it behind a gateway. All routes under one first segment have the same. */
  readonly service: string;
  /** Who may ask: anyone, whoever has a token (where there are tokens), or who reaches the admin listener. */
  readonly role: 'public' | 'api' | 'admin';
  readonly body?: BodyRule;
  /** Of what a client may have so much a minute it takes: changes; edits of what may not be there; look-ups that find nothing; nothing that is counted. */
  readonly rate: 'changes' | 'edits' | 'misses' | 'none';
  /** How a browser is told of an error: by problem details like everybody else, or on a page. */
  readonly errors: 'problem' | 'page';
  /** Of the metrics. */
  readonly label: string;
}

/** By the operation's name. */
export type Routes = Readonly<Record<string, Route>>;

/** What `Allow` says at a path. */
export function allowedAt(routes: readonly Route[], path: string): readonly string[] {
  return methodsOf(routes.filter((route) => route.path === path));
}

/** In the order of {@link METHODS}. */
export function methodsOf(routes: readonly Route[]): readonly string[] {
  const methods = new Set<string>(routes.map(({ method }) => method));
  if (methods.has('GET')) methods.add('HEAD');
  return METHODS.filter((method) => methods.has(method));
}

export function labelsOf(routes: readonly Route[]): readonly string[] {
  return [...new Set(routes.map(({ label }) => label))];
}

/**
 * A part of the address space, and a route that speaks for all that is asked in it, unknown paths included: `/x/` is everything
 * under that first segment, another path that path alone, and the empty one (of a route whose first segment is a parameter) the rest.
 */
export interface Area {
  readonly path: string;
  readonly route: Route;
}

/** Whether a route is one of the rest: of what no other area has. */
export const isOfRest = ({ path }: Route): boolean => path.startsWith('/:');

/** Without two of one path. */
export function areasOf(routes: readonly Route[]): readonly Area[] {
  const areas = new Map<string, Area>();
  for (const route of routes) {
    const path = isOfRest(route) ? '' : (/^\/[^/]+\//.exec(route.path)?.[0] ?? route.path);
    const known = areas.get(path);
    if (known === undefined) areas.set(path, { path, route });
    else if (known.route.service !== route.service) throw new Error(`${path} belongs to two services`);
  }
  return [...areas.values()];
}

/** Finds the route that speaks for a path; where no area has it, the last one does. */
export function speakerFinder(routes: readonly Route[]): (path: string) => Route {
  const areas = areasOf(routes);
  const named = areas.filter(({ path }) => path !== '');
  const rest = (areas.find(({ path }) => path === '') ?? areas.at(-1))?.route;
  if (rest === undefined) throw new Error('a table without a route');
  return (path) => {
    for (const area of named) {
      if (area.path.length > 1 && area.path.endsWith('/') ? path.startsWith(area.path) : path === area.path) {
        return area.route;
      }
    }
    return rest;
  };
}

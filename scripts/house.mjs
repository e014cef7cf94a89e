/** The house: its wings, the rooms in them, and the picture of who imports whom that docs/architecture.md shows. */

/**
 * A room imports only rooms of the wings that its own wing names in `from`, its wing's own ones where `within` says so, and the libraries of
 * its manifest; `pure` rooms do no I/O. test/docs/imports.test.ts holds all of it.
 *
 * @type {Record<string, {rooms: string[], from: string[], within?: boolean, pure?: boolean}>}
 */
export const wings = {
  ground: { rooms: ['packages/base', 'packages/settings'], from: [], within: true, pure: true },
  domain: {
    rooms: [
      'packages/id-range',
      'packages/short-code',
      'packages/links',
      'packages/facts',
      'packages/accounts',
      'packages/operations',
    ],
    from: ['ground'],
    within: true,
    pure: true,
  },
  machinery: { rooms: ['packages/http', 'packages/process'], from: ['ground'], within: true },
  issuing: { rooms: ['packages/issuing'], from: ['ground', 'domain', 'machinery'] },
  faces: {
    rooms: ['packages/api', 'packages/page', 'packages/redirects', 'packages/site'],
    from: ['ground', 'domain', 'machinery', 'issuing'],
    within: true,
  },
  wires: { rooms: ['packages/tls'], from: ['ground'] },
  engines: {
    rooms: ['packages/zookeeper', 'packages/mysql', 'packages/redis', 'packages/sqlite'],
    from: ['ground', 'domain', 'wires'],
  },
  backend: { rooms: ['packages/backend'], from: ['ground', 'domain', 'machinery', 'engines'] },
  commands: { rooms: ['packages/commands'], from: ['ground', 'domain', 'machinery', 'issuing', 'faces', 'backend'] },
  services: {
    rooms: ['services/shorten', 'services/redirect', 'services/standalone', 'services/lakh'],
    from: ['ground', 'domain', 'machinery', 'issuing', 'faces', 'backend', 'commands'],
  },
  deploy: {
    rooms: ['deploy/gateway', 'deploy/local', 'loadtest'],
    from: ['ground', 'domain', 'machinery', 'faces', 'engines', 'backend'],
    within: true,
  },
  test: {
    rooms: ['test/kit', 'test/nemesis', 'test/simulation'],
    from: ['ground', 'domain', 'issuing', 'faces', 'engines', 'backend', 'deploy'],
    within: true,
  },
};

/**
 * The programs that a room's config module exports: each with a name and the settings that it reads.
 *
 * @param {object} config
 */
export function programsOf(config) {
  return Object.values(config).filter((value) => value?.name !== undefined && value.settings !== undefined);
}

/** The rooms of a map from room to what it imports, without an arrow that another way round makes plain. */
function withoutDetours(imports) {
  const reach = new Map();
  const reachOf = (room) => {
    if (!reach.has(room)) {
      reach.set(room, new Set());
      for (const next of imports.get(room)) {
        reach.get(room).add(next);
        for (const further of reachOf(next)) reach.get(room).add(further);
      }
    }
    return reach.get(room);
  };
  return new Map(
    [...imports].map(([room, targets]) => [
      room,
      targets.filter((target) => !targets.some((other) => other !== target && reachOf(other).has(target))),
    ]),
  );
}

/**
 * The house as a mermaid flowchart: an arrow is an import; what another arrow's end imports anyway is left out.
 *
 * @param {Map<string, string[]>} imports of every room, the rooms that it imports
 */
export function picture(imports) {
  const id = (room) => room.replaceAll(/[^a-z]/g, '_');
  const lines = ['```mermaid', 'flowchart TD'];
  for (const [wing, { rooms }] of Object.entries(wings)) {
    lines.push(`  subgraph ${wing}`, ...rooms.map((room) => `    ${id(room)}["${room}"]`), '  end');
  }
  for (const [room, targets] of withoutDetours(imports)) {
    for (const target of targets) lines.push(`  ${id(room)} --> ${id(target)}`);
  }
  return [...lines, '```'].join('\n');
}

/**
 * The rooms and what each is, as a table: the first sentence of its README.
 *
 * @param {(room: string) => string} readme the text of a room's README
 */
export function roomTable(readme) {
  const rows = Object.values(wings).flatMap(({ rooms }) =>
    rooms.map((room) => `| [${room}](../${room}/README.md) | ${firstSentence(readme(room))} |`),
  );
  return ['| room | what it is |', '|---|---|', ...rows].join('\n');
}

/** Of the first paragraph; links in it lead from the room, so only their words are kept. */
function firstSentence(markdown) {
  const paragraph = markdown
    .split(/\n{2,}|\n(?=```)/)
    .map((part) => part.replace(/^#.*\n?/, '').trim())
    .find((part) => part !== '');
  const text = (paragraph ?? '').replaceAll('\n', ' ').replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1');
  return /^.*?\.(?= |$)/.exec(text)?.[0] ?? text;
}

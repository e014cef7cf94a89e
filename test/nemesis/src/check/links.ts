/** No code twice; each acknowledged link resolves to its URL and is in the store; what was deleted stays deleted. */
import type { RequestEvent, RowEvent } from '../history.js';
import { type Acknowledged, type Evidence, isAcknowledged } from './evidence.js';
import type { DatabaseLineage } from './lineage.js';

/** The client that looks at every link at the end. */
export const CHECK_CLIENT = 'check';

const KIND_GENERATED = 1;
const KIND_DELETED = 3;

export interface LinkFindings {
  readonly violations: readonly string[];
  readonly links: number;
  /** Acknowledged, and gone with the database that was set back. */
  readonly lostLinks: number;
  readonly deleted: number;
}

interface Deletion {
  /** The first request that may have deleted the link. */
  readonly sentMs: number;
  readonly acknowledged: RequestEvent | undefined;
}

export function judgeLinks(evidence: Evidence, lineage: DatabaseLineage): LinkFindings {
  const violations: string[] = [];
  const links = new Map<string, Acknowledged>();
  for (const create of evidence.requests.filter(isAcknowledged)) {
    const first = links.get(create.code);
    if (first === undefined) links.set(create.code, create);
    else violations.push(`code ${create.code} twice: ${origin(first)}, and ${origin(create)}`);
  }
  const deletions = deletionsOf(evidence.requests);
  const looked = new Set<string>();
  for (const request of evidence.requests) {
    if (request.op === 'create') violations.push(...judgeCreate(request));
    else {
      const link = links.get(request.code ?? '');
      if (link === undefined) violations.push(`${describe(request)}: nobody was ever given that code`);
      else violations.push(...judgeAnswer(request, link, deletions.get(link.code), lineage, evidence.run.staleMs));
      if (request.client === CHECK_CLIENT && request.status !== undefined && request.status < 500) {
        looked.add(request.code ?? '');
      }
    }
  }
  const rows = new Map(evidence.rows.map((row) => [row.code, row]));
  let lostLinks = 0;
  if (looked.size === 0 && links.size > 0) violations.push('nobody followed the links at the end');
  for (const link of links.values()) {
    if (looked.size > 0 && !looked.has(link.code))
      violations.push(`${link.code} (${origin(link)}) had no answer at the end`);
    const row = rows.get(link.code);
    if (row === undefined && !mustHold(lineage, link)) lostLinks += 1;
    else violations.push(...judgeRow(link, row, deletions.get(link.code), lineage));
  }
  const deleted = [...deletions.values()].filter(({ acknowledged }) => acknowledged !== undefined).length;
  return { violations, links: links.size, lostLinks, deleted };
}

function deletionsOf(requests: readonly RequestEvent[]): Map<string, Deletion> {
  const deletions = new Map<string, Deletion>();
  for (const request of requests) {
    if (request.op !== 'delete' || request.code === undefined) continue;
    const before = deletions.get(request.code);
    deletions.set(request.code, {
      sentMs: Math.min(request.sentMs, before?.sentMs ?? request.sentMs),
      acknowledged: before?.acknowledged ?? (request.status === 204 ? request : undefined),
    });
  }
  return deletions;
}

/** Creates may fail; what they may not is be refused, since nothing that was sent is wrong. */
function judgeCreate(request: RequestEvent): string[] {
  const { status } = request;
  return status === undefined || status === 201 || status >= 500
    ? []
    : [`${describe(request)}: refused with ${status}`];
}

function judgeAnswer(
  request: RequestEvent,
  link: Acknowledged,
  deletion: Deletion | undefined,
  lineage: DatabaseLineage,
  staleMs: number,
): string[] {
  const { status, location, sentMs, doneMs } = request;
  if (status === undefined || status >= 500 || sentMs < link.doneMs) return [];
  const at = { fromMs: sentMs, toMs: doneMs };
  if (status === 404) {
    if (!mustHold(lineage, link, at)) return [];
    return [`${describe(request)}: 404, though the link was acknowledged (${origin(link)})`];
  }
  if (status === 410) {
    if (deletion !== undefined && deletion.sentMs <= doneMs) return [];
    return [`${describe(request)}: 410, though nobody deleted the link (${origin(link)})`];
  }
  if (request.op === 'delete') return status === 204 ? [] : [`${describe(request)}: refused with ${status}`];
  if (status !== 301) return [`${describe(request)}: ${status}`];
  if (location !== link.url) return [`${describe(request)}: leads to ${location} instead of ${link.url}`];
  const gone = deletion?.acknowledged;
  const graceMs = request.client === CHECK_CLIENT ? 0 : staleMs;
  if (gone === undefined || sentMs < gone.doneMs + graceMs || !mustHold(lineage, gone, at)) return [];
  return [`${describe(request)}: still leads somewhere, though it was deleted (${origin(gone)})`];
}

function judgeRow(
  link: Acknowledged,
  row: RowEvent | undefined,
  deletion: Deletion | undefined,
  lineage: DatabaseLineage,
): string[] {
  if (row === undefined) return [`${link.code} (${origin(link)}) is not in the store`];
  if (row.kind === KIND_GENERATED) {
    const wrong: string[] = [];
    if (row.url !== link.url) {
      wrong.push(`the store has ${row.url} under ${link.code}, which was given for ${link.url} (${origin(link)})`);
    }
    const gone = deletion?.acknowledged;
    if (gone !== undefined && mustHold(lineage, gone)) {
      wrong.push(`${link.code} was deleted (${origin(gone)}), but the store still has its link`);
    }
    return wrong;
  }
  if (row.kind === KIND_DELETED && deletion !== undefined) return [];
  return [`${link.code} (${origin(link)}) is a row of kind ${row.kind} in the store`];
}

function mustHold(
  lineage: DatabaseLineage,
  { sentMs, doneMs }: RequestEvent,
  at?: { readonly fromMs: number; readonly toMs: number },
): boolean {
  return lineage.mustHold({ fromMs: sentMs, toMs: doneMs }, at);
}

/** Who asked whom, and when. */
function origin({ op, client, target, sentMs, doneMs, url }: RequestEvent): string {
  const of = url === undefined ? '' : ` of ${url}`;
  return `${op}${of} by ${client} at ${target}, ${sentMs.toFixed(0)}–${doneMs.toFixed(0)} ms`;
}

function describe(request: RequestEvent): string {
  return `${request.code === undefined ? '' : `${request.code}: `}${origin(request)}`;
}

/** Answers as text for people. JSON is the answer itself. */
import type {
  Audit,
  BootstrapReport,
  CheckReport,
  RepairReport,
  RepairStep,
  RestoreReport,
  RowFigures,
  Summary,
} from '@lakh/operations';

export function renderRows(rows: readonly RowFigures[]): string {
  if (rows.length === 0) return 'no range is on record\n';
  return table(
    ['start', 'end', 'state', 'issued', 'remaining', 'server', 'host', 'leased at'],
    rows.map((row) => [
      group(row.start),
      group(row.end),
      row.state,
      group(row.issued),
      group(row.remaining),
      row.server,
      row.host,
      row.leasedAt,
    ]),
  );
}

export function renderRange(row: RowFigures | null): string {
  if (row === null) return 'no range on record covers it\n';
  return fields([
    ['range', `${group(row.start)} to ${group(row.end - 1)} (${group(row.size)} counters)`],
    ['state', row.state],
    ['server', row.server],
    ['host', row.host],
    ['process started', row.processStart],
    ['leased at', row.leasedAt],
    ['codec', row.codec || '–'],
    ['ZooKeeper version', String(row.witnessVersion)],
    ['issued', `${group(row.issued)} (up to the highest counter that became a link)`],
    ['remaining', `${group(row.remaining)} (held by that server, or lost with it)`],
  ]);
}

export function renderSummary(summary: Summary): string {
  const lost = Object.entries(summary.notIssued);
  const head = fields([
    ['mark', summary.mark === null ? 'none that can be read' : group(summary.mark)],
    ["ledger's head", summary.head === null ? 'none that can be read' : group(summary.head)],
    ['ranges on record', group(summary.ranges)],
    ['leased', group(summary.leased)],
    ['issued', `${group(summary.issued)} (highest counter of a link: ${group(summary.highestCounter)})`],
    ['held', `${group(summary.held)} (by servers that run now)`],
    ...lost.map(([reason, count]): [string, string] => [`not issued: ${reason}`, group(count)]),
    ['left to lease', group(summary.left)],
  ]);
  if (summary.servers.length === 0) return head;
  const servers = table(
    ['server', 'host', 'runs', 'ranges', 'leased', 'issued', 'remaining', 'not issued', 'last lease'],
    summary.servers.map((each) => [
      each.server,
      each.host,
      each.running ? 'yes' : 'no',
      group(each.ranges),
      group(each.leased),
      group(each.issued),
      group(each.remaining),
      Object.entries(each.notIssued)
        .map(([reason, count]) => `${reason} ${group(count)}`)
        .join(', ') || '–',
      each.lastLease,
    ]),
  );
  const more =
    summary.serversLeftOut > 0 ? `and ${group(summary.serversLeftOut)} servers that leased before these\n` : '';
  return `${head}\n${servers}${more}`;
}

export function renderCheck(report: CheckReport): string {
  const mark =
    typeof report.mark === 'string'
      ? report.mark
      : `${group(report.mark.next)} (saw a head of ${group(report.mark.ledgered)})`;
  const heights = fields([
    ['mark', mark],
    ["ledger's head", typeof report.head === 'string' ? report.head : group(report.head)],
    ['highest lease end', group(report.highestLeaseEnd)],
    ['highest counter of a link', group(report.highestCounter)],
    ['ranges on record', group(report.rows)],
  ]);
  const findings = report.findings.map(({ code, severity, message }) => `${severity}: ${code}: ${message}\n`);
  return `${heights}${findings.join('')}${report.ok ? 'ok: nothing keeps servers from leasing\n' : ''}`;
}

export function renderRepair(report: RepairReport, how: { readonly apply: string }): string {
  if (report.steps.length === 0) return `nothing to do: the next lease begins at ${group(report.next)}\n`;
  const lines = report.steps.map((step) => `${report.applied ? '' : 'would '}${wordsOf(step, report.applied)}\n`);
  const end = report.applied
    ? `done: the next lease begins at ${group(report.next)}; servers that refused lease again within seconds\n`
    : `the next lease would begin at ${group(report.next)}; nothing was changed: ${how.apply} does it\n`;
  return `${lines.join('')}${end}`;
}

export function renderRestore(report: RestoreReport): string {
  const { before, after } = report.codeLengths ?? { before: 0, after: 0 };
  const longer =
    after > before
      ? `codes of new links get longer: ${after} characters, where they had ${before} before the skip\n`
      : '';
  const { leasedSince: since } = report;
  const known =
    since === null
      ? ''
      : `the newest lease on record is of ${new Date(since.newestLeaseMs).toISOString()}: at its ${group(since.countersADay)} counters a day some ${group(since.counters)} were leased since\n`;
  return `${known}${renderRepair(report, { apply: 'lakh restore' })}${longer}`;
}

function wordsOf(step: RepairStep, isDone: boolean): string {
  switch (step.step) {
    case 'put-head':
      return `set the ledger's head from ${groupIf(step.from)} to ${group(step.to)} (cluster ${step.clusterId})`;
    case 'cover':
      return `${isDone ? 'covered' : 'cover'} ${span(step.range)} in the ledger as ${step.state}`;
    case 'retire':
      return `${isDone ? 'retired' : 'retire'} the released range ${span(step.row.range)}: nobody is offered it any more`;
    case 'remove-entry':
      return `${isDone ? 'removed' : 'remove'} the entry that offers ${span(step.remainder.range)}`;
    case 'put-mark':
      return `${isDone ? 'wrote' : 'write'} the mark ${step.to.next} ${step.to.ledgered} in place of ${step.from} (cluster ${step.clusterId})`;
  }
}

export function renderBootstrap({ outcome, clusterId, next }: BootstrapReport): string {
  const words = {
    bootstrapped: 'both witnesses are made',
    already: 'nothing to do: both witnesses are there',
    adopted: 'both witnesses are made above the links that exist',
  };
  return `${words[outcome]}; cluster ${clusterId}, the next lease begins at ${group(next)}\n`;
}

export function renderAudit(report: Audit): string {
  const { link, range } = report;
  const lines: [string, string][] = [
    ['code', report.code],
    ['codec', report.codec ?? 'none recorded'],
  ];
  if (report.key !== null) {
    lines.push([
      'key',
      `${report.key.id} (fingerprint ${report.key.fingerprint}, from counter ${group(report.key.startCounter)} on)`,
    ]);
  }
  lines.push(['counter', report.counter === null ? '–' : group(report.counter)]);
  if (range !== null) {
    lines.push(
      ['range', `${group(range.start)} to ${group(range.end - 1)}, ${range.state}`],
      ['server', range.server],
      ['host', range.host],
      ['leased at', range.leasedAt],
    );
  }
  if (link !== null) {
    lines.push(
      ['link', `${link.state}, ${link.kind}, version ${link.version}`],
      ['target', link.longUrl ?? '–'],
      ['created at', link.createdAt],
      ['created by', link.owner ?? '– (no token)'],
      ['expires at', link.expiresAt ?? 'never'],
      ['row in', link.place],
    );
  }
  const remarks = [
    ...report.contradictions.map((text) => `problem: ${text}\n`),
    ...report.remarks.map((text) => `note: ${text}\n`),
  ];
  return `${fields(lines)}${remarks.join('')}`;
}

function span({ start, end }: { readonly start: number; readonly end: number }): string {
  return `${group(start)} to ${group(end - 1)}`;
}

function groupIf(value: number | string): string {
  return typeof value === 'number' ? group(value) : value;
}

/** 1234567 as 1,234,567. */
export function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function fields(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}\n`).join('');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => printable(row[i] ?? '').length)));
  const isNumeric = head.map((_, i) => rows.every((row) => /^[\d,]+$/.test(row[i] ?? '')));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) =>
          isNumeric[i] ? printable(cell).padStart(widths[i] ?? 0) : printable(cell).padEnd(widths[i] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** What servers wrote about themselves must not steer a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?');
}

/** Guards of the copy that are taken out, one each: a simulation that does not catch them would not catch the same mistake in the code either. */
import {
  type CachedLink,
  type ChangeLog,
  type CopyClock,
  type CopyHolder,
  type CopyState,
  formatCopyState,
  type LinkCopy,
  parseCopyState,
} from '@lakh/links';
import type { CopyViolationKind } from './truth.js';
import { type CopySabotage, VALID_FOR_MS } from './world.js';

export interface CopyMutant {
  /** What it has to be caught by. */
  readonly shows: CopyViolationKind;
  readonly what: string;
  readonly sabotage: CopySabotage;
}

export const COPY_MUTANTS = {
  'position-compared-alone': {
    shows: 'copy',
    what: 'a script compares position and nonce of the row, and not the whole state',
    sabotage: { scripts: { comparesPositionOnly: true } },
  },
  'rows-before-comparison': {
    shows: 'copy',
    what: 'rows are applied before the state is compared',
    sabotage: { scripts: { appliesFirst: true } },
  },
  'one-advance-proves': {
    shows: 'stale',
    what: 'one advance of the pulse is proof enough',
    sabotage: withHolder((holder) => showing(holder, (state) => ({ ...state, pulse: state.pulse * 2 }))),
  },
  'any-answer-proves': {
    shows: 'stale',
    what: 'any answer of Redis is proof',
    sabotage: withHolder((holder) => {
      let answers = 0;
      return showing(holder, (state) => ({ ...state, pulse: state.pulse + 2 * ++answers }));
    }),
  },
  'answers-of-before': {
    shows: 'stale',
    what: 'a poll counts from its answer on',
    sabotage: withHolder(answeringWithAPollBefore),
  },
  'kept-from-now': {
    shows: 'stale',
    what: 'a server keeps for S from now on what the copy has',
    sabotage: {
      kept: (found, clock) =>
        isProven(found) ? { ...found, validUntilMs: clock.monotonicMs() + VALID_FOR_MS } : found,
    },
  },
  'unproven-is-kept': {
    shows: 'stale',
    what: 'what is sent because the database cannot be asked is kept, too',
    sabotage: { kept: (found, clock) => (isProven(found) ? found : keptFromNow(found, clock)) },
  },
  'copy-is-believed': {
    shows: 'stale',
    what: 'what Redis has is served however old its proof is',
    sabotage: {
      cache: (inner, clock) => ({
        ...inner,
        get: async (domainId, code) => {
          const cached = await inner.get(domainId, code);
          return cached && keptFromNow(cached, clock);
        },
      }),
    },
  },
  'proof-outlives-connection': {
    shows: 'stale',
    what: 'what was proven on one connection counts on the next',
    sabotage: { copyAndLog: (copy, log) => ({ copy: withOneHolder(copy), log }) },
  },
  'keys-without-epoch': {
    shows: 'copy',
    what: 'what the copy held before it began anew is read again',
    sabotage: { scripts: { hasNoEpochs: true } },
  },
  'gap-passed-over': {
    shows: 'copy',
    what: 'a bucket whose rows are forgotten keeps what it has',
    sabotage: keepingWhenCold((after, head) => after.seq < head.seq),
  },
  'row-nonces-ignored': {
    shows: 'copy',
    what: 'a bucket at a position of another history keeps what it has',
    sabotage: keepingWhenCold((after, head) => after.seq >= head.seq),
  },
  'newer-than-its-row': {
    shows: 'copy',
    what: 'a row brings its link as it is now, though a later row names it again',
    sabotage: {
      copyAndLog: (copy, log) => ({
        copy,
        log: {
          ...log,
          read: async (asked, maxRows) => {
            const readings = await log.read(asked, maxRows);
            return readings.map((reading) => ({
              ...reading,
              rows: reading.rows.map((row) => ({ ...row, version: row.link?.version ?? row.version })),
            }));
          },
        },
      }),
    },
  },
  'any-fill': {
    shows: 'copy',
    what: 'a fill is taken whatever position it was read at',
    sabotage: { scripts: { takesAnyFill: true } },
  },
  'newer-fill': {
    shows: 'copy',
    what: 'a fill is taken if it is newer than what is there',
    sabotage: { scripts: { takesNewerFill: true } },
  },
  'replica-is-primary': {
    shows: 'stale',
    what: 'what a replica says counts as if it were not behind',
    sabotage: {
      store: (inner) => ({
        sight: async (...args) => {
          const sighting = await inner.sight(...args);
          return sighting && { ...sighting, lagMs: 0 };
        },
      }),
    },
  },
  'withdrawn-first': {
    shows: 'too early',
    what: 'what was is taken out of the copy before the change is made',
    sabotage: { announcesFirst: true },
  },
  'withdrawal-brings': {
    shows: 'copy',
    what: 'who takes out what was puts in what is, at the position of before',
    sabotage: { copyAndLog: bringingWhatIs },
  },
  'lost-alias-made-again': {
    shows: 'copy',
    what: 'an alias is made again that was lost with the end of the database’s log: that is no row of the log',
    sabotage: { remakesAliases: true },
  },
} satisfies Record<string, CopyMutant>;

export type CopyMutantName = keyof typeof COPY_MUTANTS;

export const COPY_MUTANT_NAMES = Object.keys(COPY_MUTANTS) as CopyMutantName[];

const POLLS_LATE = 6;
const ALL_ROWS = 256;

const isProven = ({ validUntilMs }: CachedLink) => validUntilMs !== Number.NEGATIVE_INFINITY;

const keptFromNow = (found: CachedLink, clock: CopyClock): CachedLink => ({
  ...found,
  validUntilMs: clock.monotonicMs() + VALID_FOR_MS,
});

/** With something in the place of each holder. */
function withHolder(wrap: (holder: CopyHolder) => CopyHolder): CopySabotage {
  return {
    copyAndLog: (copy, log) => {
      const wrapped = new WeakMap<CopyHolder, CopyHolder>();
      const of = (holder: CopyHolder): CopyHolder => {
        const known = wrapped.get(holder) ?? wrap(holder);
        wrapped.set(holder, known);
        return known;
      };
      const holderOf: LinkCopy['holderOf'] = (bucket) => {
        const holder = copy.holderOf(bucket);
        return holder && of(holder);
      };
      return { copy: { holderOf, follow: (began) => copy.follow((holder) => began(of(holder))) }, log };
    },
  };
}

const forwarding = (holder: CopyHolder): CopyHolder => ({
  buckets: holder.buckets,
  ended: holder.ended,
  read: (buckets) => holder.read(buckets),
  advance: (moves) => holder.advance(moves),
  apply: (move, changes) => holder.apply(move, changes),
  fill: (link, at) => holder.fill(link, at),
  get: (domainId, code, epoch) => holder.get(domainId, code, epoch),
});

/** States that are not what they are, to those who read them; who moves one on moves what was there. */
function showing(holder: CopyHolder, shown: (state: CopyState) => CopyState): CopyHolder {
  const truths = new Map<string, { readonly text: string; readonly pulse: number }>();
  const truthOf = (from: string) => truths.get(from)?.text ?? from;
  const moved = (from: string, to: string) => {
    const [truth, state] = [truths.get(from), parseCopyState(to)];
    const was = parseCopyState(from);
    if (truth === undefined || state === undefined || was === undefined) return to;
    return formatCopyState({ ...state, pulse: truth.pulse + state.pulse - was.pulse });
  };
  return {
    ...forwarding(holder),
    read: async (buckets) => {
      const texts = await holder.read(buckets);
      return texts.map((text) => {
        const state = parseCopyState(text);
        if (state === undefined) return text;
        const lie = formatCopyState(shown(state));
        truths.set(lie, { text, pulse: state.pulse });
        return lie;
      });
    },
    advance: (moves) =>
      holder.advance(moves.map(({ bucket, from, to }) => ({ bucket, from: truthOf(from), to: moved(from, to) }))),
    apply: ({ bucket, from, to }, changes) =>
      holder.apply({ bucket, from: truthOf(from), to: moved(from, to) }, changes),
  };
}

/** Each question is answered by what one of some time before found. */
function answeringWithAPollBefore(holder: CopyHolder): CopyHolder {
  const before: Promise<readonly string[]>[] = [];
  return {
    ...forwarding(holder),
    read: (buckets) => {
      const asked = holder.read(buckets);
      if (buckets.length !== holder.buckets.length) return asked;
      asked.catch(() => {});
      before.push(asked);
      return before.length > POLLS_LATE ? (before.shift() as Promise<readonly string[]>) : (before[0] ?? asked);
    },
  };
}

function bringingWhatIs(copy: LinkCopy, log: ChangeLog): { readonly copy: LinkCopy; readonly log: ChangeLog } {
  const bringing = withHolder((holder) => ({
    ...forwarding(holder),
    apply: async (move, changes) => {
      if (move.from !== move.to) return holder.apply(move, changes);
      const [reading] = await log.read([{ bucket: move.bucket, after: parseCopyState(move.from)?.position }], ALL_ROWS);
      const linkOf = (code: string) => reading?.rows.find((row) => row.code === code)?.link;
      return holder.apply(move, {
        ...changes,
        changes: changes.changes.map((change) => ({ ...change, link: linkOf(change.code) })),
      });
    },
  }));
  return bringing.copyAndLog?.(copy, log, NO_CLOCK) ?? { copy, log };
}

/** One holder for good, whoever stands behind it. */
function withOneHolder(copy: LinkCopy): LinkCopy {
  let only: CopyHolder | undefined;
  const never = new AbortController().signal;
  return {
    holderOf: () => only,
    follow: (began) =>
      copy.follow((first) => {
        if (only !== undefined) return;
        const now = () => {
          const holder = copy.holderOf(first.buckets[0] as number);
          if (holder === undefined) throw new Error('nobody is there');
          return holder;
        };
        only = {
          buckets: first.buckets,
          ended: never,
          read: async (buckets) => now().read(buckets),
          advance: async (moves) => now().advance(moves),
          apply: async (move, changes) => now().apply(move, changes),
          fill: async (link, at) => now().fill(link, at),
          get: async (domainId, code, epoch) => now().get(domainId, code, epoch),
        };
        began(only);
      }),
  };
}

/** A bucket that ought to begin anew keeps its epoch, and with it what it has, where `isKept`. */
function keepingWhenCold(
  isKept: (after: { readonly seq: number }, head: { readonly seq: number }) => boolean,
): CopySabotage {
  return {
    copyAndLog: (copy, log) => {
      const kept = withHolder((holder) => {
        const keep = (from: string, to: string) => {
          const [was, is] = [parseCopyState(from), parseCopyState(to)];
          if (was === undefined || is === undefined || was.epoch === is.epoch) return to;
          return isKept(was.position, is.position) ? formatCopyState({ ...is, epoch: was.epoch }) : to;
        };
        return {
          ...forwarding(holder),
          advance: (moves) =>
            holder.advance(moves.map(({ bucket, from, to }) => ({ bucket, from, to: keep(from, to) }))),
        };
      });
      return kept.copyAndLog?.(copy, log, NO_CLOCK) ?? { copy, log };
    },
  };
}

const NO_CLOCK: CopyClock = { monotonicMs: () => 0, schedule: () => () => {} };

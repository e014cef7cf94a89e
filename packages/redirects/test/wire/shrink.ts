import type { Case, Talk } from './cases.js';
import { type Difference, hold, type Twins } from './compare.js';

const ATTEMPTS = 400;

/** The shortest talk that is found which still makes the difference. */
export async function shrink(difference: Difference, twins: Twins): Promise<Difference> {
  let best = { ...difference, talk: { ...difference.talk, cases: difference.talk.cases.slice(0, difference.after) } };
  let attempts = 0;
  async function improves(cases: readonly Case[]): Promise<boolean> {
    attempts += 1;
    const found = await hold({ ...best.talk, cases }, twins);
    if (found !== undefined)
      best = { ...found, talk: { ...found.talk, cases: found.talk.cases.slice(0, found.after) } };
    return found !== undefined;
  }
  for (let isBetter = true; isBetter && attempts < ATTEMPTS; ) {
    isBetter = false;
    for (const cases of smaller(best.talk)) {
      if (attempts >= ATTEMPTS) break;
      if (!(await improves(cases))) continue;
      isBetter = true;
      break;
    }
  }
  return best;
}

/** Talks with something less, the largest leaps first. */
function* smaller({ cases }: Talk): Generator<readonly Case[]> {
  for (let i = 0; i < cases.length; i += 1) if (cases.length > 1) yield cases.toSpliced(i, 1);
  for (const [i, each] of cases.entries()) {
    const put = (change: Partial<Case>) => cases.toSpliced(i, 1, { ...each, ...change });
    if (each.ends) yield put({ ends: false });
    if (each.pieces.length > 1) yield put({ pieces: [each.pieces.join('')] });
    for (let j = 0; j + 1 < each.pieces.length; j += 1) {
      yield put({ pieces: each.pieces.toSpliced(j, 2, `${each.pieces[j]}${each.pieces[j + 1]}`) });
    }
    for (const [j, piece] of each.pieces.entries()) {
      for (const shorter of shorterTexts(piece)) yield put({ pieces: each.pieces.toSpliced(j, 1, shorter) });
    }
  }
}

function* shorterTexts(text: string): Generator<string> {
  const lines = text.split('\r\n');
  for (let i = 1; i < lines.length - 1; i += 1) yield lines.toSpliced(i, 1).join('\r\n');
  for (let size = text.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= text.length; at += size) yield text.slice(0, at) + text.slice(at + size);
  }
}

/** For whoever has to mend it. */
export function describe({ talk, heard }: Difference, { 0: first, 1: second }: Twins): string {
  const shown = talk.cases.map(({ pieces, ends }) => `  ${JSON.stringify(pieces)}${ends ? ' and an end' : ''}`);
  const answers = [first, second].map(({ name }, i) => `${name}: ${JSON.stringify(heard[i])}`);
  return [`seed ${talk.seed}, talk ${talk.number}`, 'told:', ...shown, ...answers].join('\n');
}

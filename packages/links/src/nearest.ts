/** Of what is longer nobody has mistyped a letter. */
const NAME_MAX = 32;

/**
 * The one of `known` that a name is nearest to, if it is near enough to be meant by it: a letter wrong in three, at most; else the first that has it as one
 * of its words, as `long_url` has `url`.
 */
export function nearestOf(name: string, known: Iterable<string>): string | undefined {
  if (name.length > NAME_MAX) return undefined;
  const asked = plain(name);
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const each of known) {
    const distance = distanceOf(asked, plain(each));
    if (distance >= least || distance > Math.max(asked.length, each.length) / 3) continue;
    nearest = each;
    least = distance;
  }
  if (nearest !== undefined) return nearest;
  for (const each of known) if (each.split('_').includes(asked)) return each;
  return undefined;
}

/** `longUrl`, `long-url` and `long_url` are the same name in other clothes. */
const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** How many letters have to be put in, taken out or changed (Levenshtein). */
function distanceOf(one: string, other: string): number {
  let before = Array.from({ length: other.length + 1 }, (_, j) => j);
  for (let i = 1; i <= one.length; i += 1) {
    const here = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const changed = (before[j - 1] as number) + (one[i - 1] === other[j - 1] ? 0 : 1);
      here.push(Math.min(changed, (before[j] as number) + 1, (here[j - 1] as number) + 1));
    }
    before = here;
  }
  return before[other.length] as number;
}

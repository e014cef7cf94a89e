/** What is set: null clears, what is left out stays as it is. */
export type Changes<T> = { readonly [K in keyof T]?: T[K] | null };

/** `present` with `changes`, its fields in the order of `names`; null where none is left. */
export function merged<T extends object>(
  names: readonly (keyof T)[],
  present: T | null,
  changes: Changes<T>,
): T | null {
  const made: Partial<T> = {};
  let isEmpty = true;
  for (const name of names) {
    const value = changes[name] === undefined ? present?.[name] : changes[name];
    if (value === undefined || value === null) continue;
    made[name] = value as T[typeof name];
    isEmpty = false;
  }
  return isEmpty ? null : (made as T);
}

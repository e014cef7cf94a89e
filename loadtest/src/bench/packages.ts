import { type Dependency, ensurePackages, PackagesMissingError } from '@lakh/local';

/** Undefined when all of `dependencies` can be run (installed first where that is allowed), else why not. */
export async function whyMissing(dependencies: readonly Dependency[]): Promise<string | undefined> {
  try {
    await ensurePackages(dependencies);
    return undefined;
  } catch (error) {
    if (error instanceof PackagesMissingError) return error.message;
    throw error;
  }
}

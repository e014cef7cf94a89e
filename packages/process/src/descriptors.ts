import { readFileSync } from 'node:fs';

/** For the connections to other servers, files, and what is being accepted or closed while the listener is full. */
const OTHER_DESCRIPTORS = 256;

/** How many files and connections this process may have open, where the system says so (Linux). Node has raised it to the hard limit. */
export function descriptorLimit(): number | undefined {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}

/**
 * How many connections a listener can hold of those it is set to, and what is to be said where that is fewer: beyond it the system would
 * accept none, and idle ones would not give way.
 */
export function connectionsWithin(
  limit: number | undefined,
  wanted: number,
): { readonly maxConnections: number; readonly warning?: string } {
  if (limit === undefined || wanted + OTHER_DESCRIPTORS <= limit) return { maxConnections: wanted };
  const maxConnections = Math.min(wanted, Math.max(Math.ceil(limit / 2), limit - OTHER_DESCRIPTORS));
  return {
    maxConnections,
    warning:
      `LAKH_MAX_CONNECTIONS=${wanted} needs ${wanted + OTHER_DESCRIPTORS} file descriptors and this process may open ${limit}: ` +
      `it takes ${maxConnections} connections; raise the limit (ulimit -n, LimitNOFILE) or lower the setting`,
  };
}

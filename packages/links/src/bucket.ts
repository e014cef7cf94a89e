/** Links are kept, changed and copied by buckets. */
export const BUCKETS = 256;

const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc >>> 0;
});

/**
 * The bucket of a code, 0 to 255: the last byte of the CRC-32 of `<domain id>:<code>`, as zlib and SQL's `CRC32()` compute it. For ever the
 * same: rows lie by it. `code` is ASCII.
 */
export function bucketOf(domainId: number, code: string): number {
  const text = `${domainId}:${code}`;
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i += 1) {
    crc = (TABLE[(crc ^ text.charCodeAt(i)) & 0xff] as number) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) & 0xff;
}

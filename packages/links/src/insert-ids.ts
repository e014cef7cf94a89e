const PROCESS_BYTES = 8;
const NUMBER_DIGITS = 16;

/**
 * Ids for the inserts of one process: its own eight random bytes, then a count, as 32 upper-case hexadecimal digits. No
 * randomness an insert: this is the hot path of creates.
 *
 * @throws RangeError when `processBytes` are not eight
 */
export function createInsertIds(processBytes: Uint8Array): () => string {
  if (processBytes.length !== PROCESS_BYTES) throw new RangeError(`not ${PROCESS_BYTES} bytes: ${processBytes.length}`);
  const prefix = Buffer.from(processBytes).toString('hex').toUpperCase();
  let count = 0;
  return () => {
    count += 1;
    return prefix + count.toString(16).toUpperCase().padStart(NUMBER_DIGITS, '0');
  };
}

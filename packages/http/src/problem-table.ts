/**
 * What each code means over HTTP: the codes that may be an answer, by status. A code that is not here stops a start or never leaves its room;
 * an answer made of it is a 500 that tells nothing. docs/reference/errors.md lists all of them, and a test holds the two together.
 */
const CODES_BY_STATUS: Readonly<Record<number, readonly string[]>> = {
  400: ['bad_request', 'malformed_json'],
  401: ['unauthorized'],
  403: ['forbidden'],
  404: ['key_not_found', 'link_not_found', 'not_found'],
  405: ['method_not_allowed'],
  408: ['request_timeout'],
  409: [
    'alias_deleted',
    'alias_taken',
    'already_bootstrapped',
    'idempotency_key_in_use',
    'key_name_taken',
    'too_many_keys',
  ],
  410: ['link_gone'],
  412: ['changed_since'],
  413: ['payload_too_large'],
  414: ['uri_too_long'],
  415: ['unsupported_media_type'],
  417: ['expectation_failed'],
  421: ['misdirected_request'],
  422: [
    'idempotency_key_reused',
    'invalid_argument',
    'invalid_key',
    'invalid_link',
    'invalid_request',
    'ledger_file_invalid',
    'skip_too_large',
    'skip_too_small',
  ],
  429: ['rate_limited', 'too_many_in_flight'],
  431: ['headers_too_large'],
  500: ['internal'],
  503: [
    'allocator_sealed',
    'broken_invariant',
    'cluster_mismatch',
    'counter_space_ended',
    'duplicate_counter',
    'ids_exhausted',
    'key_book_invalid',
    'key_contention',
    'lease_contention',
    'lease_too_old',
    'ledger_forgot',
    'ledger_missing',
    'ledger_not_empty',
    'mark_missing',
    'overloaded',
    'range_overlap',
    'repair_contention',
    'stopping',
    'store_outcome_unknown',
    'store_unavailable',
    'too_many_burnt_counters',
    'unknown_outcome',
    'witness_corrupt',
    'witness_forbidden',
    'witness_unavailable',
    'zookeeper_forgot',
    'mark_implausible',
  ],
  508: ['link_loop'],
};

const STATUS_OF: ReadonlyMap<string, number> = new Map(
  Object.entries(CODES_BY_STATUS).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)] as const)),
);

/** The status of an answer with this code; undefined where it is none of an answer. */
export function statusOf(code: string): number | undefined {
  return STATUS_OF.get(code);
}

/** Every code that may be an answer. */
export function answerCodes(): readonly string[] {
  return [...STATUS_OF.keys()];
}

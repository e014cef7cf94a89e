/**
 * Words that no code may be, in any case: they would be taken for a page of the service, or for its word. A counter whose code
 * is one is burnt (`api` is 141,590). Words may be added, never removed without thought: old links are not looked at again.
 */
const RESERVED_WORDS: ReadonlySet<string> = new Set(
  `about abuse account accounts admin administrator api app apps assets auth billing blog callback cdn config contact cookies
  dashboard debug dev dns docs download downloads embed error errors faq favicon feed files ftp graphql health healthz help home
  host imap index info internal lakh legal link links livez login logout mail me metrics new news null oauth official openapi
  password pay ping pop3 postmaster preview press pricing privacy public qr readyz redirect register report robots root rss
  sandbox search security server settings shorten signin signout signup sitemap smtp ssl staff static stats status store support
  sysadmin system team terms test tos trust undefined upload url urls user users v1 v2 verify web webmaster websocket
  well-known www`.split(/\s+/),
);

/** Whether `code` is a reserved word, in whatever case. */
export function isReservedWord(code: string): boolean {
  return RESERVED_WORDS.has(code.toLowerCase());
}

/** All reserved words, in lower case and order; for the documentation. */
export function reservedWords(): string[] {
  return [...RESERVED_WORDS].sort();
}

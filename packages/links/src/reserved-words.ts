/**
 * Words that no code may be, in any case and with `-` or `_` anywhere in them (`log-in`, `index_html`): they would be taken for a
 * page of the service, or for its word. A counter whose code is one is burnt (`api` is 141,590). Words may be added, never removed
 * without thought: old links are not looked at again.
 */
const RESERVED_WORDS: ReadonlySet<string> = new Set(
  `about abuse account accounts admin administrator api app apps assets auth billing blog callback cdn config contact cookies
  dashboard debug dev dns docs download downloads embed error errors faq favicon faviconico feed files ftp graphql health
  healthz help home host imap index indexhtm indexhtml indexphp info internal lakh legal link links livez login logout mail
  me metrics new news null oauth official openapi password pay ping pop3 postmaster preview press pricing privacy public qr
  readyz redirect register report robots robotstxt root rss sandbox search security securitytxt server settings shorten
  signin signout signup sitemap sitemapxml smtp ssl staff static stats status store support sysadmin system team terms test
  tos trust undefined upload url urls user users v1 v2 verify web webmaster websocket wellknown www`.split(/\s+/),
);

/** Whether `code` is a reserved word, in whatever case and however its parts are joined. */
export function isReservedWord(code: string): boolean {
  return RESERVED_WORDS.has(code.toLowerCase().replace(/[-_]/g, ''));
}

/** All reserved words, in lower case and order; for the documentation. */
export function reservedWords(): string[] {
  return [...RESERVED_WORDS].sort();
}

/** RFC 6750, 2.1: b64token; the scheme in any case (RFC 9110, 11.1). */
const BEARER = /^bearer ([0-9A-Za-z\-._~+/]{1,512}=*)$/i;

/** What an `Authorization` header shows; undefined where that is no bearer token. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return BEARER.exec(authorization ?? '')?.[1];
}

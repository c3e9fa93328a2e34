/**
 * One HTTP request and its response, as an adapter hands them to the core.
 *
 * @module
 */

/** A complete response. Cookies are not in it: they were appended through `Exchange.setCookie`. */
export interface OidcResponse {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * What a framework adapter provides for each request. It is built for every request, so it MUST be
 * cheap to build: no parsing, no copies. The core keeps the request's session on it: do not freeze it.
 */
export interface Exchange {
  readonly method: string
  /**
   * The request target, path and query, as received. The core resolves it on the configured
   * `baseUrl`, never on a request header.
   */
  readonly target: string
  /** One request header by its lower-case name. */
  header(name: string): string | undefined
  /**
   * The form-encoded body: as the framework parsed it, or read now under a size limit.
   *
   * @throws TransactionError `ERR_BODY_TOO_LARGE`, `ERR_CONTENT_TYPE`, `ERR_REQUEST_ABORTED`
   */
  form(): Promise<URLSearchParams>
  /** Whether the head of the response has left: nothing can be set on it any more. */
  isStarted(): boolean
  /** Appends one `Set-Cookie` value, before the head leaves. MUST NOT join it to another or replace one. */
  setCookie(value: string): void
  /** Writes a response the way the framework does. A response to HEAD has no body. */
  send(response: OidcResponse): void | Promise<void>
}

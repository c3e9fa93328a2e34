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
  /**
   * The app's own session, where the framework has one: `undefined` where nothing has made it for this
   * request, `null` where the app has taken it away since. @see express-session, koa-session,
   * \@fastify/session, \@fastify/secure-session
   */
  session?(): FrameworkSession | null | undefined
  /** Writes a response the way the framework does. A response to HEAD has no body. */
  send(response: OidcResponse): void | Promise<void>
}

/** What is in a session, by name. */
export type SessionMembers = Readonly<Record<string, unknown>>

/** The app's own session, of which the login is one member. Reading MUST NOT count as changing it. */
export interface FrameworkSession {
  get(key: string): unknown
  /** `undefined` takes the member away. */
  set(key: string, value: unknown): void
  /** All members, without those that the framework keeps there for itself. */
  members(): SessionMembers
  /**
   * Begins a session with these members in place of the one there is. It MUST have a new identifier,
   * and the old one MUST be worth nothing from now on: else a login continues a session that somebody
   * else has planted.
   */
  regenerate(members: SessionMembers): void | Promise<void>
  /** Resolves when what was set is where it will be read from, or will be by the time of the response. */
  save(): void | Promise<void>
  /**
   * The members as they are in the store now; `undefined` where it has the session no more. The session
   * of this request stays as it is. For sessions in a store alone.
   */
  fetch?(): Promise<SessionMembers | undefined>
  /** The bytes of cookies that it takes. For sessions in a cookie alone. */
  size?(): number
}

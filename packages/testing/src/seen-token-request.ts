/**
 * A request at the token endpoint, as tests see it. The types of oidc-provider are not in it.
 *
 * @module
 */

/** A request that the token endpoint has answered. */
export interface SeenTokenRequest {
  /** `authorization_code` or `refresh_token`, as it was sent. */
  readonly grantType: string | undefined
  readonly clientId: string | undefined
  /** The error code, for a request that was refused. @see RFC 6749, 5.2 */
  readonly error?: string
  /** Why it was refused. */
  readonly refusal?: string
}

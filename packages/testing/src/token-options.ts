/**
 * What a test or a demo may want of the local provider's tokens.
 *
 * @module
 */

/** Lifetimes in seconds, and how refresh tokens behave. */
export interface TokenOptions {
  /** Default 3600. */
  readonly accessTokenTtl?: number
  /** Default 3600. */
  readonly idTokenTtl?: number
  /** Default 14 days. */
  readonly refreshTokenTtl?: number
  /** Whether each refresh gives a new refresh token and uses up the old one. Default `true`. */
  readonly rotateRefreshTokens?: boolean
  /**
   * When a refresh token is issued: for `offline_access`, which the specification ties to
   * `prompt=consent`, or with every login. Default `offline_access`.
   */
  readonly refreshTokens?: 'offline_access' | 'always'
}

/**
 * What is asked and answered when an End-User is signed out at the provider. The types of oidc-provider are
 * not in it: apps under test compile against this.
 *
 * @module
 */

/** A Logout Token that was sent to a client. */
export interface LogoutDelivery {
  readonly clientId: string
  /** The `sid` of the client's ID Tokens. */
  readonly sid: string | undefined
  /** Why it did not arrive, or what the client answered instead of 200 or 204. */
  readonly error?: string
}

/** How an End-User is signed out. */
export interface SignOutOptions {
  /** Whether access and refresh tokens of the End-User end too. Default `false`. */
  readonly revokeTokens?: boolean
}

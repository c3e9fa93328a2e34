/**
 * What an End-User may answer when the local provider asks who signs in.
 *
 * @module
 */

/** How the next End-User signs in, in `auto` mode. */
export interface SignInOptions {
  /** The `acr` that is reached. Default: the account's. */
  readonly acr?: string
  readonly amr?: readonly string[]
  /** When the End-User signed in. NumericDate, default now. */
  readonly authTime?: number
}

/** What the End-User does at the next login. */
export type SignInAnswer =
  | ({ readonly sub: string } & SignInOptions)
  | { readonly error: string; readonly error_description?: string }

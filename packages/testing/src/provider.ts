/**
 * A local provider: how it is asked for, and what a test can do with it.
 *
 * @module
 */

import type { Preset, PresetName } from '@countersign/core'
import type { Account } from './account.ts'
import type { SeenAssertion } from './client-assertion.ts'
import type { Refusal } from './emulator-rules.ts'
import type { LogoutTokenOptions } from './logout-token.ts'
import type { ProviderClient } from './provider-client.ts'
import type { SeenTokenRequest } from './seen-token-request.ts'
import type { SignInOptions } from './sign-in-answer.ts'
import type { LogoutDelivery, SignOutOptions } from './sign-out-answer.ts'
import type { TokenOptions } from './token-options.ts'

/** How a local provider is started. Everything has a default. */
export interface ProviderOptions {
  /** On 127.0.0.1. Default 0: any free one. */
  readonly port?: number
  /** The Relying Parties. More can be added with `addClient`. */
  readonly clients?: readonly ProviderClient[]
  /** Who can sign in. Default: Ada Lovelace, Grace Hopper and Alan Turing. */
  readonly accounts?: readonly Account[]
  /**
   * `page` (default) shows a sign-in page. `auto` signs in at once, without a page: who `signInAs`
   * named, else the `login_hint`, else the first account.
   */
  readonly interaction?: 'page' | 'auto'
  readonly tokens?: TokenOptions
  /**
   * The provider that is stood in for, by its name (`'jiko'`, `'auth0'` …) or as an object: what its
   * documents demand of assertions and requests is demanded, in place of `strict`.
   */
  readonly preset?: PresetName | (string & {}) | Preset
  /** The supported `acr_values`. Default `['basic', 'strong']`. */
  readonly acrValues?: readonly string[]
  /**
   * Whether a client assertion must have the issuer as its one string `aud`, `exp` at most 60 seconds
   * ahead, `iat`, a `jti` used once and the `kid` of a registered key. Default `true`.
   */
  readonly strict?: boolean
  /**
   * Told of every refusal and failure, in a sentence. Without it, nothing is printed anywhere, unless
   * there is a `preset`: then these lines go to the standard error.
   */
  readonly onLog?: (line: string) => void
}

/** One request that reached the provider. */
export interface SeenRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
}

/** A running local provider. */
export interface Provider {
  /** The Issuer Identifier, `http://127.0.0.1:<port>`, with the path or slash that a preset's has. */
  readonly issuer: string
  /** The last 10,000 client assertions, decoded, without their signatures. */
  readonly assertions: readonly SeenAssertion[]
  /** The last 10,000 requests. */
  readonly requests: readonly SeenRequest[]
  /** The last 10,000 rules of the `preset` that were broken. */
  readonly refusals: readonly Refusal[]
  /** The last 10,000 requests at the token endpoint, the refused ones too. */
  readonly tokenRequests: readonly SeenTokenRequest[]
  /** Registers a client, or replaces the one with the same `clientId`. */
  addClient(client: ProviderClient): Promise<void>
  /** Adds somebody who can sign in, or replaces the one with the same `sub`. */
  addAccount(account: Account): void
  /** In `auto` mode, who signs in at the next login that asks. Calls queue up. */
  signInAs(sub: string, options?: SignInOptions): void
  /** In `auto` mode, the next login that asks is answered with this error. Calls queue up. */
  refuse(error?: string, error_description?: string): void
  /** Ends every End-User's session at the provider and tells no client; tokens stay valid. */
  endSessions(): void
  /**
   * Signs an End-User out as an administrator of the provider does: every session of theirs ends, and
   * each client with a `backchannelLogoutUri` is sent a Logout Token for each login. Tokens stay valid
   * unless they are revoked. Resolves to what was sent, once all clients have answered or failed to.
   */
  signOut(sub: string, options?: SignOutOptions): Promise<readonly LogoutDelivery[]>
  /**
   * Sends one Logout Token, right or wrong, and resolves to the client's response; no session ends
   * here. Such tokens are this package's own, where `signOut` and the End-User's logout send
   * oidc-provider's: for what that would not send, such as a token with a `sub` and no `sid`.
   *
   * @throws TypeError for a client without a `backchannelLogoutUri`
   */
  sendLogoutToken(options: LogoutTokenOptions): Promise<Response>
  /**
   * Signs with new keys from now on. The old ones stay in the JWK Set, so that older ID Tokens can
   * still be verified, unless they are retired.
   */
  rotateKeys(options?: { readonly retire?: boolean }): Promise<void>
  /** Stops listening and drops every connection: the provider is down. */
  pause(): Promise<void>
  /** Listens again, on the same port and with everything it knew. */
  resume(): Promise<void>
  close(): Promise<void>
}

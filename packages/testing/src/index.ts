/**
 * A real OpenID Provider on this machine, and keys to use with it.
 *
 * @module
 */

export type { Account } from './account.ts'
export { defaultAccounts } from './account.ts'
export type { ClientEndpoint, SeenAssertion } from './client-assertion.ts'
export type { ClientKeyAlgorithm, GeneratedClientKey } from './client-key.ts'
export { generateClientKey } from './client-key.ts'
export {
  type EmulatorRule,
  findEmulatedRules,
  type Refusal,
} from './emulator-rules.ts'
export type { LogoutTokenOptions } from './logout-token.ts'
export type { Provider, ProviderOptions, SeenRequest } from './provider.ts'
export type {
  ClientAuthMethod,
  IdTokenAlgorithm,
  ProviderClient,
  ResponseEncryption,
} from './provider-client.ts'
export type { RegisteredJwkSet, RegisteredKey } from './registered-keys.ts'
export type { SeenTokenRequest } from './seen-token-request.ts'
export type { SignInOptions } from './sign-in-answer.ts'
export type { LogoutDelivery, SignOutOptions } from './sign-out-answer.ts'
export {
  type AppUnderTest,
  createSession,
  type SessionDetails,
  type SignedIn,
  signedIn,
} from './signed-in.ts'
export { startProvider } from './start-provider.ts'
export type { TokenOptions } from './token-options.ts'

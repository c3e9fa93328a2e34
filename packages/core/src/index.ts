/**
 * The core of Countersign: a Relying Party that knows no framework.
 *
 * @module
 */

export type { Administration, SessionInfo, SessionsOf } from './administration.ts'
export type { Clock } from './base/clock.ts'
export {
  type AssertionCallback,
  type AssertionContext,
  type ClientAuthentication,
  type ClientSecretAuthentication,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  type NoAuthentication,
  none,
} from './client/authentication.ts'
export type { AnyOptions } from './config.ts'
export type { LogoutOptions, Oidc } from './context.ts'
export { optionsFromEnv } from './env.ts'
export type { ErrorCode } from './error-texts.ts'
export {
  AuthenticationResponseError,
  type ClientRefusal,
  ConfigurationError,
  type ConfigurationIssue,
  KeyError,
  type KeyErrorReason,
  OidcError,
  ProviderError,
  type RefusalCause,
  SessionError,
  TokenValidationError,
  TransactionError,
} from './errors.ts'
export type { EventError, OidcEvent } from './events.ts'
export type { Exchange, FrameworkSession, OidcResponse, SessionMembers } from './exchange.ts'
export type { LoginOptions } from './guard.ts'
export type { Handshake, HandshakeOptions, OpenSession } from './handshake.ts'
export type { JwsAlgorithm } from './keys/algorithms.ts'
export type { CertificateHeader } from './keys/certificate.ts'
export type { ClientKey } from './keys/client-key.ts'
export type { DecryptionKey } from './keys/decryption-key.ts'
export type { JweAlgorithm } from './keys/jwe-algorithms.ts'
export type { KeyRequest, KeySource, PublicJwk, Signer, TimedSigner } from './keys/signer.ts'
export type { Authorization, AuthorizationParameters } from './login/authentication-request.ts'
export type {
  AssertionOption,
  CookieOption,
  HttpOption,
  IdTokenAlg,
  IdTokenOption,
  KeepableToken,
  LoginContext,
  LoginDecision,
  LogoutOption,
  MultiProviderOptions,
  Options,
  ProviderLookup,
  ProviderOptions,
  RoutesOption,
  SessionOption,
} from './options.ts'
export type {
  AcrDemands,
  AssertionDemands,
  Audience,
  AuthorizationDemands,
  EncryptionFacts,
  IssuerFacts,
  KeyForm,
  KeyRegistration,
  LogoutKind,
  Preset,
  PresetClientAuth,
} from './provider/preset.ts'
export { findPreset, type PresetAlias, type PresetName, presets } from './provider/presets.ts'
export { createRelyingParty, type Received, type RelyingParty } from './relying-party.ts'
export type { ExpectedClaim, Requirements } from './requirements.ts'
export type { SessionBackend } from './session/records.ts'
export type { Claims, IdTokenClaims, UserClaims } from './session/session.ts'
export type { TryLock } from './session/store-lock.ts'
export { everyTenant, type Tenant } from './tenant.ts'

/**
 * What a key store of one's own is written with: the contract of signers and key sources.
 *
 * @module
 */

export { actInTime, waitUntilAborted } from './base/abort.ts'
export { isLoopback } from './base/url.ts'
export type { ErrorCode } from './error-texts.ts'
export { KeyError, type KeyErrorReason } from './errors.ts'
export {
  type Algorithm,
  algorithms,
  chooseAlgorithm,
  describeKey,
  findMisfit,
  isJwsAlgorithm,
  type JwsAlgorithm,
  jwsAlgorithms,
} from './keys/algorithms.ts'
export type { KeySettings } from './keys/key-settings.ts'
export { createLocalSigner } from './keys/local-signer.ts'
export { buildPublicJwk, calculateThumbprint } from './keys/public-jwk.ts'
export type { KeyRequest, KeySource, PublicJwk, Signer, TimedSigner } from './keys/signer.ts'
export type { KeyPlace, KeyStoreModule } from './keys/store-key.ts'

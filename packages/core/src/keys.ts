/**
 * What a key store of one's own is written with: the contract of signers and key sources.
 *
 * @module
 */

export { type ErrorCode, KeyError } from './errors.ts'
export {
  type Algorithm,
  algorithms,
  isJwsAlgorithm,
  type JwsAlgorithm,
  jwsAlgorithms,
} from './keys/algorithms.ts'
export { createLocalSigner } from './keys/local-signer.ts'
export { calculateThumbprint } from './keys/public-jwk.ts'
export type { KeySource, PublicJwk, Signer, TimedSigner } from './keys/signer.ts'

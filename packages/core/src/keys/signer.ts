/**
 * The seam behind which a private key lives: in memory, in a file, in a KMS or an HSM.
 *
 * @module
 */

import type { JwsAlgorithm } from './algorithms.ts'

/** The public members of a JWK, and nothing else. @see RFC 7517, 4 */
export interface PublicJwk {
  readonly kty: 'RSA' | 'EC' | 'OKP'
  readonly kid?: string
  readonly alg?: string
  readonly use?: 'sig' | 'enc'
  readonly n?: string
  readonly e?: string
  readonly crv?: string
  readonly x?: string
  readonly y?: string
}

/** A key as providers know it. */
export interface NamedKey {
  readonly kid: string
  readonly publicJwk: PublicJwk
}

/**
 * Signs with one immutable version of one private key.
 *
 * An implementation MUST sign with the very key whose public half is `publicJwk`, whatever "latest"
 * has become meanwhile; else the `kid` already written into a JWT's header would be wrong.
 */
export interface Signer {
  /** The key id: the RFC 7638 thumbprint, unless the key itself or its configuration names one. */
  readonly kid: string
  /** Whether `kid` was named by the key or its configuration, and is not a thumbprint. */
  readonly hasExplicitKid: boolean
  readonly alg: JwsAlgorithm
  /** The public half, without `kid`, `alg` and `use`. */
  readonly publicJwk: PublicJwk
  /**
   * Signs `data` and returns the signature in the form of JWA: `r || s` for ES*, not DER.
   * MUST honour `signal`. That the signature verifies is checked by whoever sends it.
   *
   * @throws KeyError `ERR_SIGN`, `ERR_KEY_UNAVAILABLE`
   * @see RFC 7518, 3.3–3.5
   */
  sign(data: Uint8Array, options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>
}

/** A signer and the time in which it may be used. */
export interface TimedSigner {
  readonly signer: Signer
  /** Not used for signing before this moment. NumericDate. */
  readonly notBefore?: number | undefined
  /** Neither used nor published from this moment on. NumericDate. */
  readonly notAfter?: number | undefined
}

/** What is said to a key source that is asked for its keys. */
export interface KeyRequest {
  /**
   * Whether a key that the source handed out has just failed, so that the source MUST ask the place its
   * keys come from before it answers.
   */
  readonly renew?: boolean | undefined
  /** Is told of a failure that does not show, because the last good keys outlast it. */
  readonly report?: ((error: unknown) => void) | undefined
}

/**
 * Where keys come from. Implementations MUST be lazy about the network, MUST NOT cache a failure, and
 * MUST go on answering with the last good keys when the place they come from breaks.
 */
export interface KeySource<Key = TimedSigner> {
  /** What is configured, for messages and events. Never key material. */
  readonly name: string
  /** None of its keys is used before this moment, where that is known without asking. NumericDate. */
  readonly notBefore?: number | undefined
  /**
   * The keys as they are now, of any time.
   *
   * @throws KeyError `ERR_KEY_UNAVAILABLE`
   */
  keys(request?: KeyRequest): Promise<readonly Key[]>
  /** Lets go of connections and timers, where there are any. */
  close?(): Promise<void>
}

/**
 * What the key source of this package needs of a key store: the only thing that is written anew for
 * each vendor.
 *
 * @module
 */

import type { KeyObject } from 'node:crypto'
import type { JwsAlgorithm, KeyErrorReason } from '@countersign/core/keys'

/** One version of a key, which never changes. */
export interface KeyVersion {
  /** The store's own name of it (an ARN, a resource name, a URL): for messages, never for a JWT. */
  readonly ref: string
  readonly publicKey: KeyObject
  /** What the store signs with this version, the most usual first. */
  readonly algs: readonly JwsAlgorithm[]
  /** When the version was made. NumericDate. Where there is none, versions begin in their order. */
  readonly createdAt?: number | undefined
  /** When the store itself says that it begins. NumericDate. */
  readonly notBefore?: number | undefined
  /** When the store itself says that it is over. NumericDate. */
  readonly notAfter?: number | undefined
}

/** What is to be signed. */
export interface SignRequest {
  readonly alg: JwsAlgorithm
  readonly data: Uint8Array
  readonly signal: AbortSignal
}

/** What an error of a key store means. */
export interface Failure {
  readonly reason: KeyErrorReason
  /** What to do about it, in the store's own terms; else there are words for every reason. */
  readonly remedy?: string | undefined
  /**
   * Milliseconds after which to ask again, 0 where the store names none. Absent where it would not help,
   * or where the vendor's client has tried again already.
   */
  readonly retryAfter?: number | undefined
}

/** A key in a key store. */
export interface KeyStore {
  /** How many requests may be under way at once. */
  readonly concurrency: number
  /**
   * Reads the versions that may sign, or that will. A version of `known` has its public half already,
   * by its `ref`, and need not be asked for again.
   */
  readVersions(request: {
    readonly known: ReadonlyMap<string, KeyVersion>
    readonly signal: AbortSignal
  }): Promise<readonly KeyVersion[]>
  /**
   * Signs with this very version and returns the signature in the form of JWA. MUST throw a
   * `StoreFault` with the reason `bad-signature` when the store says that it used another one.
   */
  sign(version: KeyVersion, request: SignRequest): Promise<Uint8Array>
  /** Says what an error means that one of the others threw; `undefined` when it is none of the store's. */
  readFailure(error: unknown): Failure | undefined
  close?(): Promise<void>
}

/** A fault that is seen in a store's answer, and not thrown by its client. */
export class StoreFault extends Error implements Failure {
  readonly reason: KeyErrorReason
  readonly remedy: string | undefined

  /** @ignore */
  constructor(reason: KeyErrorReason, message: string, remedy?: string) {
    super(message)
    this.name = 'StoreFault'
    this.reason = reason
    this.remedy = remedy
  }
}

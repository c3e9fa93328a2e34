/**
 * The seam behind which a decryption key lives.
 *
 * openid-client has a way to decrypt responses, and it is not used: it takes `CryptoKey`s, once, when
 * its configuration is made. A key in a key store is no `CryptoKey`, a key file that changes would need
 * another configuration, and of an encrypted ID Token it returns the encrypted form, which is no
 * `id_token_hint`. So tokens are decrypted before it sees them. What it does with a signed token is
 * left to it, and what encryption is, is left to jose.
 *
 * @module
 */

import type { JweAlgorithm } from './jwe-algorithms.ts'
import type { NamedKey } from './signer.ts'

/**
 * Decrypts with one immutable version of one private key.
 *
 * What needs the private key is one step: the content encryption key is unwrapped, or agreed upon (RFC
 * 7516, 5.2, steps 9 and 10). A key store does that step, and the rest is done in this process.
 */
export interface Decrypter extends NamedKey {
  /**
   * The key management algorithms that it takes: the one that is named for it, or all that fit the key.
   * It is published with the first.
   */
  readonly algs: readonly JweAlgorithm[]
  /**
   * Decrypts a compact JWE whose `alg` is one of `algs` and whose header was checked.
   *
   * An implementation MUST authenticate the content before it returns any of it, MUST fail in one way
   * whatever is wrong with the token (RFC 7516, 11.5), MUST NOT put any of it into an error, and MUST
   * honour `signal`.
   *
   * @throws KeyError `ERR_KEY_UNAVAILABLE` when the key cannot be had; any other error means that the
   *   token does not decrypt
   * @see RFC 7516, 5.2
   */
  decrypt(jwe: string, options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>
}

/** A decrypter and the time in which providers may choose its key. */
export interface TimedDecrypter {
  readonly decrypter: Decrypter
  /** Not published before this moment; it decrypts all the same. NumericDate. */
  readonly notBefore?: number | undefined
  /** Not published from this moment on. It decrypts for two days more. NumericDate. */
  readonly notAfter?: number | undefined
}

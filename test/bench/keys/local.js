/**
 * Keys in this process: given as PEM, or as a `file:` URI; and node:crypto with a callback.
 *
 * @module
 */

import { createPrivateKey, sign } from 'node:crypto'
import { promisify } from 'node:util'

const signInPool = promisify(sign)

export function openOurs({ pem, file }, alg) {
  return [{ key: file ? `file:${file}` : pem, alg }]
}

export function openBare({ pem }, alg) {
  const key = { key: createPrivateKey(pem), dsaEncoding: 'ieee-p1363' }
  const digest = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`
  return (data) => signInPool(digest, data, key)
}

/**
 * Signing with a source's key as an app does, and what comes of it.
 *
 * @module
 */

import { KeyError, type KeySource, type Signer } from '@countersign/core/keys'
import { compactVerify, importJWK } from 'jose'

/** The only key of a source. */
export async function readSigner(source: KeySource): Promise<Signer> {
  const [key, ...others] = await source.keys()
  if (!key || others.length > 0) throw new TypeError('there is not one key')
  return key.signer
}

/** Signs a text, and verifies that. */
export async function signAndVerify(signer: Signer, text = 'a text'): Promise<void> {
  const input = `${encode(JSON.stringify({ alg: signer.alg }))}.${encode(text)}`
  const signature = await signer.sign(Buffer.from(input, 'ascii'))
  const jws = `${input}.${Buffer.from(signature).toString('base64url')}`
  await compactVerify(jws, await importJWK({ ...signer.publicJwk }, signer.alg))
}

/** The error that something ends with. */
export async function findError(promise: Promise<unknown>): Promise<KeyError> {
  const error = await promise.then(
    () => new TypeError('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof KeyError)) throw error
  return error
}

/** All that a logger would see of an error. */
export function describeAll(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)))
  return [...own, describeAll(error.cause)].join('\n')
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}

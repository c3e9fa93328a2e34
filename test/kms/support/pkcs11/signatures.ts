/**
 * Signing with a source's key as an app does, and what comes of it.
 *
 * @module
 */

import type { KeySource, Signer } from '@countersign/core/keys'
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

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}

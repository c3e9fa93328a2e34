/**
 * A compact JWS, signed by whatever holds the key, and verified before anybody else sees it.
 *
 * What a key store can get wrong (a signature in DER, another salt, another version of the key) is
 * found here and not by the provider, whose answer would be `invalid_client` and no more.
 *
 * @see RFC 7515, 3.1 and 5.1
 *
 * @module
 */

import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { promisify } from 'node:util'
import { waitUntilAborted } from '../base/abort.ts'
import { KeyError } from '../errors.ts'
import { algorithms, findMisfit, isJwsAlgorithm } from '../keys/algorithms.ts'
import type { PublicJwk, Signer } from '../keys/signer.ts'

/** What is to be signed, and by whom. */
export interface SigningInput {
  readonly signer: Signer
  /** The whole protected header; `alg` and `kid` are the caller's to give. */
  readonly header: Readonly<Record<string, unknown>> & { readonly alg: string }
  readonly payload: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal
}

// With a callback it runs in the thread pool
const verifyInPool = promisify(verify)

/**
 * Signs a payload. Whatever the signer throws, and if it does not answer at all, it is a `KeyError`.
 *
 * @throws KeyError `ERR_SIGN`, or the signer's own
 */
export async function signJws({ signer, header, payload, signal }: SigningInput): Promise<string> {
  const signingInput = `${encode(header)}.${encode(payload)}`
  const data = Buffer.from(signingInput, 'ascii')
  const { kid } = signer
  const signature = await sign(signer, data, signal).catch((cause: unknown) => {
    if (cause instanceof KeyError) throw cause
    const what = signal?.aborted ? 'did not sign in time' : 'could not sign'
    const reason = signal?.aborted ? 'timeout' : undefined
    throw new KeyError('ERR_SIGN', `key "${kid}" ${what}`, { kid, reason, cause })
  })
  if (!(await isVerified(signer, header.alg, data, signature))) {
    const message = `the signature of key "${kid}" does not verify as "${header.alg}" under its public half`
    throw new KeyError('ERR_SIGN', message, { kid, reason: 'bad-signature' })
  }
  return `${signingInput}.${Buffer.from(signature).toString('base64url')}`
}

/** A signer that does not honour the signal is not waited for. */
async function sign(
  signer: Signer,
  data: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (!signal) return signer.sign(data)
  signal.throwIfAborted()
  return await waitUntilAborted(signer.sign(data, { signal }), signal)
}

/** Verified by what the header says, as the provider will. */
async function isVerified(
  { publicJwk }: Signer,
  alg: string,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (!isJwsAlgorithm(alg)) return false
  const { digest, parameters, isLight } = algorithms[alg]
  try {
    const key = importKey(publicJwk)
    if (findMisfit(key, alg) !== undefined) return false
    const verifier = { key, ...parameters }
    return isLight.verify
      ? verify(digest, data, verifier, signature)
      : await verifyInPool(digest, data, verifier, signature)
  } catch {
    return false
  }
}

/** A signer's public half never changes, and importing it costs more than a verification. */
const imported = new WeakMap<PublicJwk, KeyObject>()

function importKey(publicJwk: PublicJwk): KeyObject {
  const known = imported.get(publicJwk)
  if (known) return known
  const key = createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
  imported.set(publicJwk, key)
  return key
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/**
 * A compact JWS, signed by whatever holds the key.
 *
 * @see RFC 7515, 3.1 and 5.1
 *
 * @module
 */

import type { Signer } from '../keys/signer.ts'

/** What is to be signed, and by whom. */
export interface SigningInput {
  readonly signer: Signer
  /** The whole protected header; `alg` and `kid` are the caller's to give. */
  readonly header: Readonly<Record<string, unknown>> & { readonly alg: string }
  readonly payload: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal
}

/**
 * Signs a payload.
 *
 * @throws KeyError
 */
export async function signJws({ signer, header, payload, signal }: SigningInput): Promise<string> {
  const signingInput = `${encode(header)}.${encode(payload)}`
  const signature = await signer.sign(Buffer.from(signingInput, 'ascii'), signal && { signal })
  return `${signingInput}.${Buffer.from(signature).toString('base64url')}`
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/**
 * The local provider's own keys, which sign its ID Tokens: one for each algorithm it offers.
 *
 * @module
 */

import type { JWK } from 'jose'
import { generateClientKey } from './client-key.ts'

/** Generates one private signing key for each of RS256, PS256, ES256 and EdDSA. */
export async function generateProviderKeys(): Promise<readonly JWK[]> {
  const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
  const pairs = await Promise.all(algorithms.map((alg) => generateClientKey(alg)))
  return pairs.map(({ privateJwk }) => ({ ...privateJwk, use: 'sig' }))
}

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { expect, test } from 'vitest'
import { type ClientKeyAlgorithm, generateClientKey } from '../src/index.ts'

const algorithms = [
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
]

test.each(algorithms)(
  'a key for %s has two halves of one key, named by its thumbprint',
  async (alg) => {
    const { kid, privateKeyPem, publicJwk, jwks } = await generateClientKey(alg)
    const publicHalf = createPublicKey(createPrivateKey(privateKeyPem)).export({ format: 'jwk' })
    expect(publicJwk).toEqual({ ...publicHalf, kid, alg, use: 'sig' })
    expect(await calculateJwkThumbprint(publicHalf as JWK)).toBe(kid)
    expect(jwks.keys).toEqual([publicJwk])
    expect(publicJwk.d).toBeUndefined()
  },
)

test('an unknown algorithm is a TypeError', async () => {
  await expect(generateClientKey('HS256' as ClientKeyAlgorithm)).rejects.toThrow(
    '"alg" must be one of ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA, ' +
      'Ed25519, not "HS256"',
  )
})

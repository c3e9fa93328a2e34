import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildJwkSet } from '../../src/keys/jwk-set.ts'
import { createKeyRing } from '../../src/keys/key-ring.ts'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import { buildPublicJwk } from '../../src/keys/public-jwk.ts'
import type { PublicJwk, Signer } from '../../src/keys/signer.ts'
import { createStaticKeySource } from '../../src/keys/static-key.ts'
import { expectNothingOf, generateEc, generateEd25519, generateRsa, toJwk } from './support/keys.ts'

const ring = (signers: readonly Signer[]) => {
  const sources = [
    createStaticKeySource(
      'test',
      signers.map((signer) => ({ signer })),
    ),
  ]
  return createKeyRing({ sources, clock: { now: () => 0 }, emit: () => undefined })
}

const privateKeys = [generateRsa(), generateEc(), generateEc('P-521'), generateEd25519()]
const [rsa, p256, p521, ed25519] = [
  ...privateKeys.map((key, index) =>
    createLocalSigner({
      key,
      alg: (['PS256', 'ES256', 'ES512', 'EdDSA'] as const)[index] ?? 'ES256',
    }),
  ),
]

test('no private member is in a JWK Set, whatever a signer hands out', async () => {
  const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']
  const index = fc.nat({ max: privateKeys.length - 1 })
  const extra = fc.dictionary(fc.constantFrom(...privateMembers, 'x5c', 'other'), fc.string())
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(index, extra)), async (picks) => {
      const signers = picks.flatMap(([at, more]) => {
        const [signer, key] = [[rsa, p256, p521, ed25519][at], privateKeys[at]]
        const publicJwk = { ...(key && toJwk(key)), ...more, ...signer?.publicJwk } as PublicJwk
        return signer ? [{ ...signer, publicJwk }] : []
      })
      const { body } = await buildJwkSet([ring(signers)])
      for (const jwk of JSON.parse(body).keys) {
        expect(Object.keys(jwk).filter((name) => privateMembers.includes(name))).toEqual([])
      }
      for (const key of privateKeys) expectNothingOf(toJwk(key).d ?? '', body)
    }),
    { numRuns: 50 },
  )
})

test('keys carry their "kid", their use and, but for Ed25519, their algorithm', async () => {
  if (!p256 || !ed25519) return expect.unreachable()
  const { body } = await buildJwkSet([ring([p256, ed25519])])
  expect(JSON.parse(body)).toEqual({
    keys: [
      { ...p256.publicJwk, kid: p256.kid, use: 'sig', alg: 'ES256' },
      { ...ed25519.publicJwk, kid: ed25519.kid, use: 'sig' },
    ],
  })
})

test('the entity tag is that of the body: the same for the same keys, another for others', async () => {
  if (!p256 || !p521) return expect.unreachable()
  const one = await buildJwkSet([ring([p256])])
  expect(await buildJwkSet([ring([p256])])).toEqual(one)
  expect((await buildJwkSet([ring([p256, p521])])).etag).not.toBe(one.etag)
  expect(one.etag).toBe(`"${createHash('sha256').update(one.body).digest('base64url')}"`)
})

test('without a key it is an empty JWK Set', async () => {
  expect((await buildJwkSet([ring([])])).body).toBe('{"keys":[]}')
})

test('a key ring that publishes a private member is stopped', async () => {
  const published = async () => [toJwk(generateEc()) as PublicJwk]
  await expect(buildJwkSet([{ published }])).rejects.toThrow(
    new TypeError('a key source publishes the member "d"'),
  )
})

test('of two keys with one name, and of a key with two uses, the one that signs is published', async () => {
  const [one, two, three] = [generateEc(), generateEc(), generateEc()].map(buildPublicJwk)
  if (!one || !two || !three) return expect.unreachable()
  const decrypting = [
    { ...one, kid: 'other', use: 'enc' },
    { ...two, kid: 'a', use: 'enc' },
    { ...three, kid: 'b', use: 'enc' },
  ] as const
  const signing = [{ ...one, kid: 'a', use: 'sig' }] as const
  const publishers = [decrypting, signing].map((keys) => ({ published: async () => keys }))
  const { body } = await buildJwkSet(publishers)
  expect(JSON.parse(body).keys).toEqual([decrypting[2], signing[0]])
})

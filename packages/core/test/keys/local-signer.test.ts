import { createPublicKey, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import { generateEc, generateRsa } from './support/keys.ts'

test('a "kid" that is named takes the place of the thumbprint', () => {
  const signer = createLocalSigner({ key: generateEc(), alg: 'ES256', kid: 'mine' })
  expect(signer).toMatchObject({ kid: 'mine', hasExplicitKid: true })
})

test('signing with RSA does not block the event loop', async () => {
  const signer = createLocalSigner({ key: generateRsa(4096), alg: 'RS256' })
  let ticks = 0
  let isDone = false
  const tick = () => {
    ticks++
    if (!isDone) setImmediate(tick)
  }
  setImmediate(tick)
  const data = Buffer.from('data')
  const count = 16
  const ticksAtEach = await Promise.all(
    Array.from({ length: count }, async () => {
      await signer.sign(data)
      return ticks
    }),
  )
  isDone = true
  // Were each one made in the way, not a tick would pass before the last one is done
  expect(new Set(ticksAtEach).size).toBeGreaterThan(1)
  expect(ticks).toBeGreaterThan(count)
})

test('data that is changed after signing has begun is of no matter', async () => {
  const key = generateEc()
  const signer = createLocalSigner({ key, alg: 'ES256' })
  const data = Buffer.from('before')
  const signing = signer.sign(data)
  data.fill('x')
  const verifier = { key: createPublicKey(key), dsaEncoding: 'ieee-p1363' as const }
  expect(verify('sha256', Buffer.from('before'), verifier, await signing)).toBe(true)
})

import { createPublicKey, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import { generateEc, generateRsa } from './support/keys.ts'

test('a "kid" that is named takes the place of the thumbprint', () => {
  const signer = createLocalSigner({ key: generateEc(), alg: 'ES256', kid: 'mine' })
  expect(signer).toMatchObject({ kid: 'mine', hasExplicitKid: true })
})

test('signing with RSA does not block the event loop', async () => {
  const signer = createLocalSigner({ key: generateRsa(), alg: 'RS256' })
  let isDone = false
  const signing = signer.sign(Buffer.from('data')).finally(() => {
    isDone = true
  })
  // What is made in the way is done before the event loop turns; what a thread made is told after that
  for (let turn = 0; turn < 1000; turn++) await Promise.resolve()
  expect(isDone).toBe(false)
  await signing
  expect(isDone).toBe(true)
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

import { createPublicKey, webcrypto } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { signJws } from '../../src/jose/sign.ts'
import { isCryptoKey, readCryptoKey } from '../../src/keys/crypto-key.ts'
import { catchFault, generateEc, generateRsa, readOption, signing, toJwk } from './support/keys.ts'

const { subtle } = webcrypto
const rsa = toJwk(generateRsa())
const ec = toJwk(generateEc())

const importRsa = (name: string, hash: string, usages: webcrypto.KeyUsage[] = ['sign']) =>
  subtle.importKey('jwk', rsa, { name, hash }, true, usages)
const importEc = (isExtractable: boolean) =>
  subtle.importKey('jwk', ec, { name: 'ECDSA', namedCurve: 'P-256' }, isExtractable, ['sign'])

describe('a CryptoKey signs', () => {
  test.each([true, false])('where "extractable" is %s', async (isExtractable) => {
    const { keys } = await readOption(await importEc(isExtractable))
    const [signer] = keys.map((key) => key.signer)
    if (!signer) return expect.unreachable()
    const { crv, kty, x, y } = ec
    expect(signer).toMatchObject({ alg: 'ES256', publicJwk: { crv, kty, x, y } })
    await expect(signJws({ signer, header: { alg: 'ES256' }, payload: {} })).resolves.toMatch(/^ey/)
  })

  test.each([
    ['RSASSA-PKCS1-v1_5', 'SHA-256', 'RS256'],
    ['RSASSA-PKCS1-v1_5', 'SHA-512', 'RS512'],
    ['RSA-PSS', 'SHA-256', 'PS256'],
    ['RSA-PSS', 'SHA-384', 'PS384'],
  ])('with the algorithm that it was made for: %s with %s', async (name, hash, alg) => {
    const { keys } = await readOption(await importRsa(name, hash))
    const [signer] = keys.map((key) => key.signer)
    if (!signer) return expect.unreachable()
    expect(signer.alg).toBe(alg)
    await expect(signJws({ signer, header: { alg }, payload: {} })).resolves.toMatch(/^ey/)
  })

  test('and Ed25519 too', async () => {
    const pair = await subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify'])
    if (!('privateKey' in pair)) return expect.unreachable()
    const { keys } = await readOption(pair.privateKey)
    expect(keys).toMatchObject([{ signer: { alg: 'EdDSA', publicJwk: { crv: 'Ed25519' } } }])
  })
})

describe('a CryptoKey is refused', () => {
  const refuse = (key: webcrypto.CryptoKey, message: string) =>
    expect(catchFault(() => readCryptoKey(key, signing))).toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      message,
    })

  test('with a hash that JOSE does not use', async () => {
    const message =
      'is a CryptoKey for RSA-PSS with SHA-1, which is no signature algorithm that is supported'
    refuse(await importRsa('RSA-PSS', 'SHA-1'), message)
  })

  test('that may decrypt, and not sign', async () => {
    const message = 'is a CryptoKey that may not sign: import it with ["sign"]'
    refuse(await importRsa('RSA-OAEP', 'SHA-256', ['decrypt']), message)
  })

  test('that is public', async () => {
    const jwk = createPublicKey({ key: ec, format: 'jwk' }).export({ format: 'jwk' })
    const parameters = { name: 'ECDSA', namedCurve: 'P-256' }
    const { issues } = await readOption(
      await subtle.importKey('jwk', jwk, parameters, true, ['verify']),
    )
    const message = 'is a public key, and the private key is needed'
    expect(issues).toEqual([{ path: 'clientKey', message }])
  })

  test("of another implementation, and one that Node's own does not let us use", () => {
    const parts = { type: 'private', algorithm: { name: 'ECDSA' }, usages: ['sign'] } as const
    const foreign = (extractable: boolean) => {
      const key = { ...parts, usages: [...parts.usages], extractable }
      return Object.assign(key, { [Symbol.toStringTag]: 'CryptoKey' })
    }
    expect(isCryptoKey(foreign(true))).toBe(true)
    refuse(foreign(true), "is a CryptoKey of another implementation than Node's own")
    refuse(
      foreign(false),
      'is a CryptoKey that cannot be used because it is not extractable: import it as extractable',
    )
  })
})

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { JwsAlgorithm } from '../../src/keys/algorithms.ts'
import { createTimedSigners } from '../../src/keys/key-settings.ts'
import { readJwk } from '../../src/keys/private-jwk.ts'
import {
  catchFault,
  detach,
  generateEc,
  generateEd25519,
  generateRsa,
  signing,
  toJwk,
} from './support/keys.ts'

const settings = { defaultRsaAlg: 'RS256' } as const

/** An id-RSASSA-PSS key, bound to nothing or to its parameters. */
const generatePss = (hashAlgorithm?: string, mgf1HashAlgorithm?: string, saltLength?: number) => {
  const parameters: object = { hashAlgorithm, mgf1HashAlgorithm, saltLength }
  return detach(generateKeyPairSync('rsa-pss', { modulusLength: 2048, ...parameters }))
}

describe('a key is refused', () => {
  const use = 'which no supported algorithm takes: use RSA, P-256, P-384, P-521 or Ed25519'
  const small = 'is an RSA key of 1024 bits, and 2048 is the least: make a new one'
  test.each<[string, () => KeyObject, JwsAlgorithm | undefined, string]>([
    ['of RSA with 1024 bits', () => generateRsa(1024), undefined, small],
    ['of RSA with 1024 bits for PS256', () => generateRsa(1024), 'PS256', small],
    [
      'on secp256k1',
      () => generateEc('secp256k1'),
      undefined,
      `is a key of type ec secp256k1, ${use}`,
    ],
    [
      'on secp256k1 for ES256',
      () => generateEc('secp256k1'),
      'ES256',
      '"ES256" needs the curve prime256v1, and this key is ec secp256k1',
    ],
    [
      'of Ed448',
      () => detach(generateKeyPairSync('ed448')),
      undefined,
      `is a key of type ed448, ${use}`,
    ],
    [
      'of Ed448 for EdDSA',
      () => detach(generateKeyPairSync('ed448')),
      'EdDSA',
      '"EdDSA" needs a key of type ed25519, and this one is ed448',
    ],
    [
      'of X25519',
      () => detach(generateKeyPairSync('x25519')),
      undefined,
      `is a key of type x25519, ${use}`,
    ],
    [
      'of DSA',
      () => detach(generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })),
      undefined,
      `is a key of type dsa, ${use}`,
    ],
    [
      'of RSA for ES256',
      () => generateRsa(),
      'ES256',
      '"ES256" needs a key of type ec, and this one is rsa',
    ],
    [
      'of Ed25519 for RS256',
      generateEd25519,
      'RS256',
      '"RS256" needs a key of type rsa, and this one is ed25519',
    ],
    [
      'on P-384 for ES256',
      () => generateEc('P-384'),
      'ES256',
      '"ES256" needs the curve prime256v1, and this key is ec secp384r1',
    ],
    [
      'of RSASSA-PSS for RS256',
      () => generatePss(),
      'RS256',
      '"RS256" needs a key of type rsa, and this one is rsa-pss',
    ],
    [
      'of RSASSA-PSS that is bound to another digest',
      () => generatePss('sha256', 'sha256'),
      'PS384',
      '"PS384" needs sha384, and this key is bound to sha256 (MGF1: sha256)',
    ],
    [
      'of RSASSA-PSS that is bound to another digest in its mask',
      () => generatePss('sha256', 'sha1'),
      undefined,
      '"PS256" needs sha256, and this key is bound to sha256 (MGF1: sha1)',
    ],
    [
      'of RSASSA-PSS that is bound to too long a salt',
      () => generatePss('sha256', 'sha256', 64),
      undefined,
      '"PS256" needs a salt of 32 octets, and this key is bound to 64 or more',
    ],
  ])('%s', (_, generate, alg, message) => {
    const fault = catchFault(() => createTimedSigners([{ key: generate() }], { ...settings, alg }))
    expect(fault).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', message })
  })

  const rsaOfTwo = () => {
    const { n } = toJwk(detach(generateKeyPairSync('rsa', { modulusLength: 2048 })))
    return { ...toJwk(generateRsa()), n }
  }
  test.each<[string, () => object]>([
    [
      'of EC',
      () => {
        const { x, y } = toJwk(generateEc())
        return { ...toJwk(generateEc()), x, y }
      },
    ],
    ['of RSA', rsaOfTwo],
  ])('whose halves %s are of two keys', (_, build) => {
    const fault = catchFault(() => createTimedSigners(readJwk(build(), signing), settings))
    expect(fault).toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      message: 'is a damaged key: its public half does not belong to its private half',
    })
  })

  test('that ends before it begins, and by its place where it is one of several', () => {
    const keys = [toJwk(generateEc()), { ...toJwk(generateEc()), nbf: 9, exp: 9 }]
    expect(catchFault(() => createTimedSigners(readJwk({ keys }, signing), settings)).message).toBe(
      'key 2 of the JWK Set has no time to sign in: its end is not later than its beginning',
    )
  })

  test('of RSA without what it is calculated with', () => {
    const { p: _, dp: __, qi: ___, ...jwk } = toJwk(generateRsa())
    const message = 'is an RSA JWK without "p", "dp", "qi": export the key with all of its members'
    expect(catchFault(() => readJwk(jwk, signing))).toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      message,
    })
  })
})

describe('the algorithm is chosen', () => {
  test.each<[string, () => KeyObject, JwsAlgorithm]>([
    ['by configuration for RSA', () => generateRsa(), 'RS256'],
    ['by the curve P-256', () => generateEc('P-256'), 'ES256'],
    ['by the curve P-384', () => generateEc('P-384'), 'ES384'],
    ['by the curve P-521', () => generateEc('P-521'), 'ES512'],
    ['by the type Ed25519', generateEd25519, 'EdDSA'],
    ['for RSASSA-PSS that is bound to nothing', () => generatePss(), 'PS256'],
    ['by what RSASSA-PSS is bound to', () => generatePss('sha512', 'sha512', 64), 'PS512'],
  ])('%s', (_, generate, alg) => {
    const [key] = createTimedSigners([{ key: generate() }], settings)
    expect(key?.signer.alg).toBe(alg)
  })
})

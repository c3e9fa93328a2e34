import { describe, expect, test } from 'vitest'
import { readJwk } from '../../src/keys/private-jwk.ts'
import { buildPublicJwk } from '../../src/keys/public-jwk.ts'
import {
  catchFault,
  generateEc,
  generateEd25519,
  generateRsa,
  signing,
  toJwk,
} from './support/keys.ts'

const ec = generateEc()
const rsa = generateRsa()
const [jwk, rsaJwk, okpJwk] = [ec, rsa, generateEd25519()].map(toJwk)
const { d: _, ...publicJwk } = jwk ?? {}

test('a private JWK is read with what it says about itself', () => {
  const [material] = readJwk(
    { ...jwk, alg: 'ES256', kid: 'k', nbf: 1, exp: 2.5, use: 'sig' },
    signing,
  )
  expect(material).toMatchObject({ alg: 'ES256', kid: 'k', notBefore: 1, notAfter: 2.5 })
  expect(material && buildPublicJwk(material.key)).toEqual(buildPublicJwk(ec))
})

test('a private JWK Set is read in its order, without the keys that are for something else', () => {
  const materials = readJwk(
    {
      keys: [
        { ...rsaJwk, use: 'enc', alg: 'RSA-OAEP' },
        { ...jwk, kid: 'a', nbf: 5 },
        { ...publicJwk, key_ops: ['verify'] },
        { kty: 'oct', k: 'AAAA', use: 'enc' },
        { ...okpJwk, kid: 'b', key_ops: ['sign'] },
      ],
    },
    signing,
  )
  expect(materials.map(({ kid, place, notBefore }) => ({ kid, place, notBefore }))).toEqual([
    { kid: 'a', place: 'key 2 of the JWK Set', notBefore: 5 },
    { kid: 'b', place: 'key 5 of the JWK Set', notBefore: undefined },
  ])
})

describe('a JWK is refused', () => {
  test.each<[string, unknown, string]>([
    ['that is public', publicJwk, 'is a public JWK (it has no "d"), and the private key is needed'],
    [
      'that is symmetric',
      { kty: 'oct', k: 'AAAA' },
      'is a symmetric JWK ("kty": "oct"), and a private key is needed',
    ],
    ['of no type', { private_key: 'x' }, 'is not a JWK: its "kty" is none of RSA, EC and OKP'],
    [
      'of a strange type',
      { ...jwk, kty: 'a secret in the wrong place' },
      'is not a JWK: its "kty" is none of RSA, EC and OKP',
    ],
    [
      'for encryption',
      { ...jwk, use: 'enc' },
      'is a JWK that is not for signing, by its "use" or its "key_ops"',
    ],
    [
      'for decryption',
      { ...jwk, key_ops: ['decrypt'] },
      'is a JWK that is not for signing, by its "use" or its "key_ops"',
    ],
    [
      'of a strange algorithm',
      { ...jwk, alg: 'none' },
      'is a JWK whose "alg" is not a signature algorithm that is supported',
    ],
    [
      'of an inherited algorithm',
      { ...jwk, alg: 'constructor' },
      'is a JWK whose "alg" is not a signature algorithm that is supported',
    ],
    ['with a number for a "kid"', { ...jwk, kid: 1 }, 'is a JWK whose "kid" is not a text'],
    ['with an empty "kid"', { ...jwk, kid: '' }, 'is a JWK whose "kid" is not a text'],
    [
      'with a text for a time',
      { ...jwk, nbf: '2026-01-01' },
      'is a JWK whose "nbf" is not a NumericDate: a number, of seconds',
    ],
    [
      'with milliseconds for a time',
      { ...jwk, exp: 1_767_225_600_000 },
      'is a JWK whose "exp" is not a NumericDate: a number, of seconds',
    ],
    [
      'with no number for a time',
      { ...jwk, exp: Number.NaN },
      'is a JWK whose "exp" is not a NumericDate: a number, of seconds',
    ],
    [
      'whose "d" is no text',
      { ...jwk, d: 5 },
      'is a damaged JWK: its members are not those of a private key of type "EC"',
    ],
    [
      'of an unknown curve',
      { ...jwk, crv: 'P-999' },
      'is a damaged JWK: its members are not those of a private key of type "EC"',
    ],
    [
      'of RSA without its primes',
      { ...rsaJwk, p: undefined },
      'is a damaged JWK: its members are not those of a private key of type "RSA"',
    ],
    [
      'of OKP without "x"',
      { ...okpJwk, x: undefined },
      'is a damaged JWK: its members are not those of a private key of type "OKP"',
    ],
    ['that is a list', [jwk], 'is JSON, but not a JWK'],
    ['that is nothing', null, 'is JSON, but not a JWK'],
    ['in a Set that is none', { keys: jwk }, 'is a JWK Set whose "keys" is not a list'],
    ['in a Set that is empty', { keys: [] }, 'is a JWK Set without a key for signing'],
    [
      'in a Set for encryption',
      { keys: [{ ...jwk, use: 'enc' }] },
      'is a JWK Set without a key for signing',
    ],
    [
      'in a Set, by its place',
      { keys: [{ ...rsaJwk, use: 'enc' }, jwk, publicJwk] },
      'key 3 of the JWK Set is a public JWK (it has no "d"), and the private key is needed',
    ],
    [
      'in a Set, where it is symmetric',
      { keys: [{ kty: 'oct', k: 'AAAA' }] },
      'key 1 of the JWK Set is a symmetric JWK ("kty": "oct"), and a private key is needed',
    ],
    ['in a Set, where it is nothing', { keys: [null] }, 'key 1 of the JWK Set is not a JWK'],
  ])('%s', (_name, value, message) => {
    expect(catchFault(() => readJwk(value, signing))).toMatchObject({
      name: 'KeyError',
      code: 'ERR_KEY_UNAVAILABLE',
      message,
    })
  })
})

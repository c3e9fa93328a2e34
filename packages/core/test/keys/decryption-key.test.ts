import { createPublicKey, generateKeyPairSync, KeyObject, webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readClientKey } from '../../src/keys/client-key.ts'
import { readDecryptionKey } from '../../src/keys/decryption-key.ts'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import { buildPublicJwk, calculateThumbprint } from '../../src/keys/public-jwk.ts'
import { createDecrypters, encryptFor, readDecryptionOption } from './support/decryption.ts'
import {
  collectEvents,
  detach,
  expectNothingOf,
  generateEc,
  generateEd25519,
  generateRsa,
  toJwk,
  toPem,
} from './support/keys.ts'

const ec = generateEc()
const rsa = generateRsa()
const x25519 = detach(generateKeyPairSync('x25519'))
const [ecJwk, rsaJwk] = [toJwk(ec), toJwk(rsa)]
const { d: _, ...publicEcJwk } = ecJwk

const agreement = ['ECDH-ES+A256KW', 'ECDH-ES+A128KW', 'ECDH-ES']
const transport = ['RSA-OAEP-256', 'RSA-OAEP']

describe('a decryption key', () => {
  test.each([
    ['RSA', rsa, transport],
    ['P-256', ec, agreement],
    ['P-384', generateEc('P-384'), agreement],
    ['P-521', generateEc('P-521'), agreement],
    ['X25519', x25519, agreement],
  ])('of type %s takes all algorithms that fit, in every form', async (_type, key, algs) => {
    const publicJwk = buildPublicJwk(key)
    for (const form of [toPem(key), toJwk(key), JSON.stringify(toJwk(key)), key]) {
      const [timed, ...others] = await createDecrypters(form)
      expect(others).toEqual([])
      expect(timed?.decrypter).toMatchObject({
        algs,
        publicJwk,
        kid: calculateThumbprint(publicJwk),
      })
    }
    const [timed] = await createDecrypters(toPem(key))
    for (const alg of algs) {
      for (const enc of ['A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512']) {
        const plaintext = await timed?.decrypter.decrypt(await encryptFor(key, { alg, enc }))
        expect(Buffer.from(plaintext ?? []).toString()).toBe('a.signed.token')
      }
    }
  })

  test('is bound to the one algorithm that its JWK, its entry or its URI names', async () => {
    const named = { ...ecJwk, alg: 'ECDH-ES+A128KW', kid: 'k', use: 'enc', nbf: 1, exp: 5 }
    const [timed] = await createDecrypters(named)
    expect(timed).toMatchObject({
      decrypter: { algs: ['ECDH-ES+A128KW'], kid: 'k' },
      notBefore: 1,
      notAfter: 5,
    })
    const [entry] = await createDecrypters([{ key: rsa, alg: 'RSA-OAEP-256', kid: 'r' }])
    expect(entry?.decrypter).toMatchObject({ algs: ['RSA-OAEP-256'], kid: 'r' })
    const other = await encryptFor(rsa, { alg: 'RSA-OAEP', enc: 'A256GCM' })
    await expect(entry?.decrypter.decrypt(other)).rejects.toThrow()
  })

  test('is read from a CryptoKey, which says its algorithm', async () => {
    const { subtle } = webcrypto
    const rsaKey = await subtle.importKey(
      'jwk',
      rsaJwk,
      { name: 'RSA-OAEP', hash: 'SHA-256' },
      true,
      ['decrypt'],
    )
    const ecKey = await subtle.importKey(
      'jwk',
      ecJwk,
      { name: 'ECDH', namedCurve: 'P-256' },
      true,
      ['deriveBits'],
    )
    const keys = await createDecrypters([rsaKey, ecKey])
    expect(keys.map(({ decrypter }) => decrypter.algs)).toEqual([['RSA-OAEP-256'], agreement])
  })

  test.each([
    ['generated in this process', true],
    ['that is not extractable', false],
  ])('is a CryptoKey %s', async (_name, isExtractable) => {
    const algorithm = { name: 'ECDH', namedCurve: 'P-256' }
    const pair = await webcrypto.subtle.generateKey(algorithm, isExtractable, ['deriveBits'])
    const [timed] = await createDecrypters(pair.privateKey)
    const jwe = await encryptFor(KeyObject.from(pair.publicKey), { alg: 'ECDH-ES', enc: 'A256GCM' })
    expect(Buffer.from((await timed?.decrypter.decrypt(jwe)) ?? []).toString()).toBe(
      'a.signed.token',
    )
  })

  test('is no CryptoKey for something else', async () => {
    const { subtle } = webcrypto
    const signing = { name: 'ECDSA', namedCurve: 'P-256' }
    const key = await subtle.importKey('jwk', ecJwk, signing, true, ['sign'])
    const sha512 = { name: 'RSA-OAEP', hash: 'SHA-512' }
    const other = await subtle.importKey('jwk', rsaJwk, sha512, true, ['decrypt'])
    const { issues } = await readDecryptionOption([key, other])
    expect(issues.map(({ message }) => message)).toEqual([
      'is a CryptoKey that may not decrypt: import it with ["decrypt"] or ["unwrapKey"] or ' +
        '["deriveKey"] or ["deriveBits"]',
      'is a CryptoKey for RSA-OAEP with SHA-512, which is no key management algorithm that is supported',
    ])
  })

  test('and the client key share one JWK Set: each option takes its own', async () => {
    const keys = [
      { ...toJwk(generateEc()), kid: 'sign', use: 'sig' },
      { ...ecJwk, kid: 'enc', use: 'enc' },
      { ...toJwk(generateEc()), kid: 'unsaid' },
      { ...toJwk(x25519), kid: 'agree', key_ops: ['deriveBits'] },
    ]
    const set = { keys: keys.slice(0, 3) }
    const decrypters = await createDecrypters({ keys })
    expect(decrypters.map(({ decrypter }) => decrypter.kid)).toEqual(['enc', 'agree'])
    const context = { path: 'clientKey', defaultRsaAlg: 'RS256' as const, ...collectEvents() }
    const { known, issues } = readClientKey(JSON.stringify(set), context)
    expect(issues).toEqual([])
    expect(known.map(({ kid }) => kid)).toEqual(['sign', 'unsaid'])
  })

  test('in a JWK Set may be beside keys that are of no use here', async () => {
    const signing = { ...toJwk(generateEc()), kid: 'sign' }
    const enc = { ...rsaJwk, kid: 'enc', alg: 'RSA-OAEP-256' }
    const others = [
      { kty: 'oct', k: 'AAAA', use: 'enc', alg: 'A256KW' },
      { kty: 'oct', k: 'AAAA', use: 'enc' },
      { kty: 'AKP', priv: 'AAAA', use: 'enc' },
      { ...toJwk(ec), use: 'enc', alg: 'ECDH-ES+A192KW' },
      { ...rsaJwk, kid: 'other', use: 'enc', alg: 'RSA-OAEP-512' },
    ]
    const decrypters = await createDecrypters({ keys: [...others, signing, enc] })
    expect(decrypters.map(({ decrypter }) => decrypter.kid)).toEqual(['enc'])
    const { issues } = await readDecryptionOption({ keys: [...others, signing] })
    expect(issues.map(({ message }) => message)).toEqual([
      'is a JWK Set without a key for decryption',
    ])
  })

  test.each(['RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-512', 'RSA1_5', 'ECDH-ES', 'ECDH-ES+A192KW'])(
    'is no client key of the same JWK Set, by its "alg" alone: %s',
    (alg) => {
      const keys = [
        { ...rsaJwk, alg },
        { ...toJwk(generateEc()), kid: 'sign' },
      ]
      const context = { path: 'clientKey', defaultRsaAlg: 'RS256' as const, ...collectEvents() }
      const { known, issues } = readClientKey({ keys }, context)
      expect(issues).toEqual([])
      expect(known.map(({ kid }) => kid)).toEqual(['sign'])
    },
  )

  test('that is taken out of its folder, while another stays there, decrypts no more', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keys-'))
    try {
      for (const kid of ['a', 'b']) {
        const jwk = JSON.stringify({ ...toJwk(generateEc()), kid })
        writeFileSync(join(folder, `${kid}.jwk`), jwk)
      }
      const context = { path: 'idToken.decryptionKey', ...collectEvents() }
      const [source] = readDecryptionKey(`file:${folder}`, context).sources
      const kids = async () => (await source?.keys())?.map(({ decrypter }) => decrypter.kid)
      expect(await kids()).toEqual(['a', 'b'])
      rmSync(join(folder, 'a.jwk'))
      expect(await kids()).toEqual(['b'])
      // The last one stays: a folder that cannot be read must not end all logins
      rmSync(join(folder, 'b.jwk'))
      expect(await kids()).toEqual(['b'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('takes no other content encryption than those of the list', async () => {
    const [timed] = await createDecrypters(ec)
    const jwe = await encryptFor(ec, { alg: 'ECDH-ES', enc: 'A192GCM' })
    await expect(timed?.decrypter.decrypt(jwe)).rejects.toThrow('not allowed')
  })

  test('that is aborted decrypts nothing', async () => {
    const [timed] = await createDecrypters(ec)
    const jwe = await encryptFor(ec, { alg: 'ECDH-ES', enc: 'A128GCM' })
    const signal = AbortSignal.abort(new Error('too late'))
    await expect(timed?.decrypter.decrypt(jwe, { signal })).rejects.toThrow('too late')
    const controller = new AbortController()
    const decrypting = timed?.decrypter.decrypt(jwe, { signal: controller.signal })
    controller.abort(new Error('meanwhile'))
    await expect(decrypting).rejects.toThrow('meanwhile')
  })
})

describe('a value of the option is refused', () => {
  const path = 'idToken.decryptionKey'
  const signer = createLocalSigner({ key: ec, alg: 'ES256' })
  const ownKind = 'is a Signer or a KeySource, which does not decrypt: give the private key'
  const forms =
    'must be a URI (file:./key.pem, env:NAME), a PEM, a JWK, a JWK Set, a KeyObject or a CryptoKey'
  const misfit = (type: string) =>
    `is a key of type ${type}, which cannot decrypt: use RSA, P-256, P-384, P-521 or X25519`
  const keyStore = (scheme: string) =>
    `"${scheme}:" names a key store, and decryption in a key store is not supported by this version: ` +
    'use file:./key.pem or env:NAME'
  const pss = detach(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }))
  const small = generateRsa(1024)

  test.each<[string, unknown, string, string?]>([
    ['a number', 5, forms],
    ['an empty list', [], 'must hold at least one key'],
    ['a public KeyObject', createPublicKey(ec), 'is a public key, and the private key is needed'],
    [
      'a public PEM',
      createPublicKey(ec).export({ type: 'spki', format: 'pem' }),
      'is a public key, and the private key is needed',
    ],
    ['a public JWK', publicEcJwk, 'is a public JWK (it has no "d"), and the private key is needed'],
    [
      'a symmetric JWK',
      { kty: 'oct', k: 'AAAAAAAAAAAAAAAAAAAAAA' },
      'is a symmetric JWK ("kty": "oct"), and a private key is needed',
    ],
    [
      'an RSA key that is too small',
      small,
      'is an RSA key of 1024 bits, and 2048 is the least: make a new one',
    ],
    ['an RSA key for PSS', pss, misfit('rsa-pss')],
    ['a key on P-256K', generateEc('secp256k1'), misfit('ec secp256k1')],
    ['an Ed25519 key', generateEd25519(), misfit('ed25519')],
    [
      'a JWK for signing',
      { ...ecJwk, use: 'sig' },
      'is a JWK that is not for decryption, by its "use" or its "key_ops"',
    ],
    [
      'a JWK that only signs',
      { ...ecJwk, key_ops: ['sign'] },
      'is a JWK that is not for decryption, by its "use" or its "key_ops"',
    ],
    [
      'a JWK with a signature algorithm',
      { ...ecJwk, alg: 'ES256' },
      'is a JWK whose "alg" is not a key management algorithm that is supported',
    ],
    [
      'a JWK for RSA1_5',
      { ...rsaJwk, alg: 'RSA1_5' },
      'is a JWK whose "alg" is not a key management algorithm that is supported',
    ],
    [
      'a JWK Set for signing only',
      { keys: [{ ...ecJwk, use: 'sig' }, ecJwk] },
      'is a JWK Set without a key for decryption',
    ],
    [
      'an algorithm for another type of key',
      [{ key: ec, alg: 'RSA-OAEP-256' }],
      '"RSA-OAEP-256" needs a key of another type, and this one is ec prime256v1',
      `${path}[0].key`,
    ],
    [
      'an algorithm that there is not',
      [{ key: rsa, alg: 'RSA1_5' }],
      'must be one of RSA-OAEP-256, RSA-OAEP, ECDH-ES+A256KW, ECDH-ES+A128KW, ECDH-ES',
      `${path}[0].alg`,
    ],
    [
      'a key whose halves do not belong together',
      { ...ecJwk, x: toJwk(generateEc()).x, y: ecJwk.y },
      'is a damaged JWK: its members are not those of a private key of type "EC"',
    ],
    [
      "a key with another key's public half",
      { ...ecJwk, ...buildPublicJwk(generateEc()) },
      'is a damaged key: its public half does not belong to its private half',
    ],
    ['a Signer', signer, ownKind],
    ['a KeySource', { keys: async () => [] }, ownKind],
    ['AWS KMS', 'awskms:///alias/decrypt', keyStore('awskms')],
    ['Vault', 'hashivault://decrypt?mount=transit', keyStore('hashivault')],
    [
      'a key store in a list',
      [{ key: 'pkcs11:token=t;object=o?module-path=/m.so' }],
      keyStore('pkcs11'),
      `${path}[0].key`,
    ],
    [
      'a JWK Set with one name for two keys',
      { keys: [ecJwk, rsaJwk].map((jwk) => ({ ...jwk, kid: 'a', use: 'enc' })) },
      'has different keys with the "kid" "a"',
    ],
    [
      'one name for all keys of a JWK Set',
      [{ key: { keys: [ecJwk, rsaJwk].map((jwk) => ({ ...jwk, use: 'enc' })) }, kid: 'a' }],
      'has several keys, which cannot all be named by one "kid"',
      `${path}[0].key`,
    ],
    [
      'two keys with one name',
      [
        { key: ec, kid: 'a' },
        { key: rsa, kid: 'a' },
      ],
      'has the "kid" "a", which names another key already: choose another',
      `${path}[1].key`,
    ],
    [
      'a key whose end comes first',
      { ...ecJwk, nbf: 5, exp: 5 },
      'has no time to decrypt in: its end is not later than its beginning',
    ],
  ])('of %s', async (_name, value, message, place = path) => {
    const { issues } = await readDecryptionOption(value)
    expect(issues).toEqual([{ path: place, message }])
    if (typeof value === 'string' && value.includes('-----')) expectNothingOf(value, issues)
  })
})

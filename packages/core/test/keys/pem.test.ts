import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readKeyText } from '../../src/keys/key-text.ts'
import { readPem } from '../../src/keys/pem.ts'
import { buildPublicJwk } from '../../src/keys/public-jwk.ts'
import {
  catchFault,
  generateEc,
  generateEd25519,
  generateRsa,
  signing,
  toPem,
} from './support/keys.ts'

const rsa = generateRsa()
const ec = generateEc()
const passphrase = 'correct horse'

const toText = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1', cipher?: string): string => {
  const encryption = cipher === undefined ? {} : { cipher, passphrase }
  return key.export({ type: type as 'pkcs8', format: 'pem', ...encryption }).toString()
}

describe('a PEM is read', () => {
  test.each<[string, string, KeyObject]>([
    ['RSA in PKCS#8', toText(rsa, 'pkcs8'), rsa],
    ['RSA in PKCS#1', toText(rsa, 'pkcs1'), rsa],
    ['EC in PKCS#8', toText(ec, 'pkcs8'), ec],
    ['EC in SEC1', toText(ec, 'sec1'), ec],
    ['RSA in encrypted PKCS#8', toText(rsa, 'pkcs8', 'aes-256-cbc'), rsa],
    ['RSA in PKCS#1, encrypted the old way', toText(rsa, 'pkcs1', 'aes-256-cbc'), rsa],
    ['RSA in PKCS#1, encrypted with 3DES', toText(rsa, 'pkcs1', 'des-ede3-cbc'), rsa],
    ['EC in SEC1, encrypted the old way', toText(ec, 'sec1', 'aes-128-cbc'), ec],
  ])('%s, with its line breaks and without', (_, pem, key) => {
    const forms = [
      pem,
      pem.replaceAll('\n', '\r\n'),
      pem.replaceAll('\n', ' '),
      pem.replaceAll('\n', ''),
    ]
    for (const form of forms) {
      expect(buildPublicJwk(readPem(form, passphrase))).toEqual(buildPublicJwk(key))
    }
  })

  test('an Ed25519 key', () => {
    const key = generateEd25519()
    expect(buildPublicJwk(readPem(toPem(key), undefined))).toEqual(buildPublicJwk(key))
  })

  test('a passphrase that is not needed is of no matter', () => {
    expect(readPem(toPem(ec), passphrase).type).toBe('private')
  })

  test.each([
    [
      'the attributes that openssl writes',
      `Bag Attributes\n    friendlyName: x\n    localKeyID: 54 69\nKey Attributes: <No Attributes>\n${toPem(ec)}`,
    ],
    ['words after it', `${toPem(ec)}\nkeep this safe\n`],
    [
      'the parameters of its curve before it',
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${toText(ec, 'sec1')}`,
    ],
    [
      'its public key beside it',
      `-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n${toPem(ec)}`,
    ],
    [
      'its certificate beside it',
      `${toPem(ec)}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    ],
  ])('with %s', (_, text) => {
    const [material] = readKeyText(text, signing)
    expect(material && buildPublicJwk(material.key)).toEqual(buildPublicJwk(ec))
  })
})

describe('a PEM is refused', () => {
  const body = toPem(ec).split('\n').slice(1, -2).join('\n')
  const block = (label: string, content = body) =>
    `-----BEGIN ${label}-----\n${content}\n-----END ${label}-----\n`

  test.each<[string, string, string | undefined, string]>([
    [
      'that is encrypted, without a passphrase',
      toText(rsa, 'pkcs8', 'aes-256-cbc'),
      undefined,
      'is encrypted: say where the passphrase is (?passphrase=env:NAME)',
    ],
    [
      'that is encrypted the old way, without a passphrase',
      toText(rsa, 'pkcs1', 'aes-256-cbc'),
      undefined,
      'is encrypted: say where the passphrase is (?passphrase=env:NAME)',
    ],
    [
      'with another passphrase',
      toText(rsa, 'pkcs8', 'aes-256-cbc'),
      'wrong',
      'cannot be decrypted: the passphrase is wrong, or the encryption is not supported',
    ],
    [
      'that is a certificate',
      block('CERTIFICATE'),
      undefined,
      'is a certificate, and the private key that belongs to it is needed',
    ],
    [
      'that is a public key',
      block('PUBLIC KEY'),
      undefined,
      'is a public key, and the private key is needed',
    ],
    [
      'that is an RSA public key',
      block('RSA PUBLIC KEY'),
      undefined,
      'is a public key, and the private key is needed',
    ],
    [
      'of OpenSSH',
      block('OPENSSH PRIVATE KEY'),
      undefined,
      'is an OpenSSH key: convert a copy of it with "ssh-keygen -p -m PKCS8 -f copy"',
    ],
    [
      'of another kind',
      block('PGP PRIVATE KEY BLOCK'),
      undefined,
      'is a "PGP PRIVATE KEY BLOCK", not a private key',
    ],
    [
      'that is cut off',
      toPem(ec).slice(0, 90),
      undefined,
      'is a PEM without its end: the "-----END PRIVATE KEY-----" is missing',
    ],
    [
      'whose end is of another kind',
      toPem(ec).replace('END PRIVATE', 'END EC PRIVATE'),
      undefined,
      'is a PEM without its end: the "-----END PRIVATE KEY-----" is missing',
    ],
    [
      'that only begins',
      '-----BEGIN',
      undefined,
      'is a PEM without its end: the "-----END …-----" is missing',
    ],
    [
      'that has nothing in it',
      block('PRIVATE KEY', ''),
      undefined,
      'is a damaged PEM: what is between the lines of "PRIVATE KEY" is not such a key',
    ],
    [
      'that has less in it than it had',
      block('PRIVATE KEY', body.slice(0, 40)),
      undefined,
      'is a damaged PEM: what is between the lines of "PRIVATE KEY" is not such a key',
    ],
    [
      'with two private keys, of which one would be left out',
      toPem(ec) + toPem(generateEc()),
      undefined,
      'is a PEM with several private keys: give each a file of its own, or list them',
    ],
  ])('%s', (_, pem, phrase, message) => {
    expect(catchFault(() => readPem(pem, phrase))).toMatchObject({
      name: 'KeyError',
      code: 'ERR_KEY_UNAVAILABLE',
      message,
    })
  })

  test('a real public key too', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    expect(catchFault(() => readKeyText(pem, signing)).message).toBe(
      'is a public key, and the private key is needed',
    )
  })
})

/**
 * A self-signed certificate for a client key, for providers that know a key by its certificate. For
 * tests and demos: it says nothing about anybody.
 *
 * @see RFC 5280, 4.1
 *
 * @module
 */

import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'

/** What a certificate says. */
export interface CertificateOptions {
  /** The one name in it. Default `app`. */
  readonly commonName?: string
  /** How many days it is valid for, from an hour ago. Default 365. */
  readonly days?: number
}

/**
 * Generates an X.509 certificate, as PEM, that a key has signed for itself.
 *
 * @example
 * const key = await generateClientKey('PS256')
 * const certificate = generateCertificate(key.privateKeyPem)
 */
export function generateCertificate(
  privateKeyPem: string,
  { commonName = 'app', days = 365 }: CertificateOptions = {},
): string {
  const key = createPrivateKey(privateKeyPem)
  const { algorithm, digest } = chooseAlgorithm(key)
  const name = sequence(tag(0x31, sequence(oid('2.5.4.3'), tag(0x0c, Buffer.from(commonName)))))
  const from = Date.now() - 3_600_000
  const signed = sequence(
    tag(0xa0, tag(0x02, Buffer.of(2))),
    // A positive number of few enough octets, and not the same again
    tag(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    name,
    sequence(utcTime(from), utcTime(from + days * 86_400_000)),
    name,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
  )
  // The first octet: no bits are unused
  const signature = tag(0x03, Buffer.concat([Buffer.of(0), sign(digest, signed, key)]))
  const der = sequence(signed, algorithm, signature).toString('base64')
  const lines = der.match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

/** @see RFC 8017, A.2.4; RFC 5758, 3.2; RFC 8410, 3 */
function chooseAlgorithm({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): {
  readonly algorithm: Buffer
  readonly digest: string | null
} {
  if (asymmetricKeyType === 'rsa') {
    const algorithm = sequence(oid('1.2.840.113549.1.1.11'), tag(0x05, Buffer.alloc(0)))
    return { algorithm, digest: 'sha256' }
  }
  if (asymmetricKeyType === 'ed25519')
    return { algorithm: sequence(oid('1.3.101.112')), digest: null }
  switch (asymmetricKeyDetails?.namedCurve) {
    case 'prime256v1':
      return { algorithm: sequence(oid('1.2.840.10045.4.3.2')), digest: 'sha256' }
    case 'secp384r1':
      return { algorithm: sequence(oid('1.2.840.10045.4.3.3')), digest: 'sha384' }
    case 'secp521r1':
      return { algorithm: sequence(oid('1.2.840.10045.4.3.4')), digest: 'sha512' }
    default:
      throw new TypeError('"privateKeyPem" is of a key that no certificate is made for')
  }
}

/** One value in DER. @see X.690, 8.1 */
function tag(identifier: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(identifier), lengthOf(content.length), content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tag(0x30, Buffer.concat(parts))
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length)
  return length < 0x100 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 0xff)
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tag(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(arc: number): readonly number[] {
  const high = Math.floor(arc / 128)
  return high === 0 ? [arc] : [...base128(high).map((octet) => octet | 0x80), arc & 0x7f]
}

function utcTime(moment: number): Buffer {
  const text = new Date(moment).toISOString().replace(/^..|[-:T]|\.\d+/g, '')
  return tag(0x17, Buffer.from(text))
}

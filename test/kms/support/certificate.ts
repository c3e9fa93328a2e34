/**
 * A certificate for servers on this machine, made anew by each test that needs one, with node:crypto
 * alone.
 *
 * @see RFC 5280, 4.1
 *
 * @module
 */

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A certificate that is its own authority. PEM. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** ecdsa-with-SHA256, commonName, subjectAltName. */
const oids = {
  ecdsa: '06082a8648ce3d040302',
  name: '0603550403',
  altName: '0603551d11',
}

/** Makes a certificate for localhost and 127.0.0.1 that is good for a day. */
export function generateCertificate(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  const algorithm = sequence(Buffer.from(oids.ecdsa, 'hex'))
  const common = encode(0x0c, Buffer.from('a key store'))
  const name = sequence(encode(0x31, sequence(Buffer.from(oids.name, 'hex'), common)))
  const serial = randomBytes(8)
  serial[0] = 0x01
  const names = sequence(
    encode(0x82, Buffer.from('localhost')),
    encode(0x87, Buffer.from([127, 0, 0, 1])),
  )
  const extension = sequence(Buffer.from(oids.altName, 'hex'), encode(0x04, names))
  const content = sequence(
    encode(0xa0, encode(0x02, Buffer.from([2]))),
    encode(0x02, serial),
    algorithm,
    name,
    sequence(encodeTime(Date.now() - 60_000), encodeTime(Date.now() + 86_400_000)),
    name,
    publicKey,
    encode(0xa3, sequence(extension)),
  )
  const signature = sign('sha256', content, privateKey)
  const der = sequence(content, algorithm, encode(0x03, Buffer.from([0]), signature))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  const cert = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
  return { key: privateKey, cert }
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return encode(0x30, ...parts)
}

function encodeTime(time: number): Buffer {
  const [text = ''] = new Date(time).toISOString().replaceAll(/[-:T]/g, '').split('.')
  return encode(0x18, Buffer.from(`${text}Z`))
}

function encode(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length]
  return Buffer.concat([Buffer.from([tag, ...head]), content])
}

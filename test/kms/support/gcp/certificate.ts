/**
 * A certificate for a server on this machine, signed by itself.
 *
 * @see RFC 5280, 4.1
 *
 * @module
 */

import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'

/** What a TLS server is started with, and what its clients trust. */
export interface Certificate {
  readonly certificate: Buffer
  readonly privateKey: Buffer
}

const ecdsaWithSha256 = encode(0x30, encode(0x06, '2a8648ce3d040302'))
const subjectAlternativeName = encode(0x06, '551d11')

/** Generates a certificate for `localhost`, for this day. */
export function generateCertificate(): Certificate {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const common = encode(0x30, encode(0x06, '550403'), encode(0x0c, Buffer.from('localhost')))
  const name = encode(0x30, encode(0x31, common))
  const hour = 3_600_000
  const validity = encode(0x30, encodeTime(Date.now() - hour), encodeTime(Date.now() + 24 * hour))
  const names = encode(0x30, encode(0x82, Buffer.from('localhost')))
  const extension = encode(0x30, subjectAlternativeName, encode(0x04, names))
  const content = encode(
    0x30,
    encode(0xa0, encode(0x02, '02')),
    encode(0x02, '01'),
    ecdsaWithSha256,
    name,
    validity,
    name,
    spki,
    encode(0xa3, encode(0x30, extension)),
  )
  const signature = encode(0x03, '00', sign('sha256', content, privateKey))
  const der = encode(0x30, content, ecdsaWithSha256, signature)
  const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`
  return { certificate: Buffer.from(pem), privateKey: Buffer.from(privateKey) }
}

/** One element of DER; a text is hexadecimal. */
function encode(tag: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)),
  )
  const { length } = content
  const lengths =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...lengths]), content])
}

function encodeTime(moment: number): Buffer {
  const digits = new Date(moment).toISOString().replace(/\D/g, '').slice(2, 14)
  return encode(0x17, Buffer.from(`${digits}Z`))
}

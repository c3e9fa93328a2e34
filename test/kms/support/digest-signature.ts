/**
 * Signatures over a digest that somebody else has made, as key stores sign: node:crypto hashes whatever
 * it is given. RSA does its own padding here, and ECDSA takes its point from a Diffie-Hellman key.
 *
 * @see RFC 8017, 8.1.1, 9.1.1 and 9.2
 * @see FIPS 186-5, 6.4.1
 *
 * @module
 */

import {
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  type KeyObject,
  privateEncrypt,
  randomBytes,
} from 'node:crypto'
import { algorithms, type JwsAlgorithm } from '@countersign/core/keys'

/** The DER of a DigestInfo up to its digest. @see RFC 8017, 9.2, note 1 */
const digestInfos: Readonly<Record<string, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}

/** The order of each curve's group. @see SEC 2, 2.4.2, 2.5.1 and 2.6.1 */
const orders: Readonly<Record<string, bigint>> = {
  prime256v1: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  secp384r1: BigInt(
    '0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  ),
  secp521r1: BigInt(
    `0x01ff${'f'.repeat(62)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`,
  ),
}

/** How many octets the digest of an algorithm has; `undefined` where it has its own. */
export function findDigestLength(alg: JwsAlgorithm): number | undefined {
  const { digest } = algorithms[alg]
  return digest === null ? undefined : createHash(digest).digest().length
}

/** Signs a digest. The signature is in the form of JWA: `r || s` for ES*. */
export function signDigest(alg: JwsAlgorithm, digest: Uint8Array, key: KeyObject): Buffer {
  if (digest.length !== findDigestLength(alg)) {
    throw new RangeError(`a digest of ${digest.length} octets is none of ${alg}`)
  }
  const { digest: hash, curve } = algorithms[alg]
  if (curve !== undefined) return signEcdsa(curve, digest, key)
  if (alg.startsWith('PS')) {
    const encoded = encodePss(`${hash}`, digest, key.asymmetricKeyDetails?.modulusLength ?? 0)
    return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded)
  }
  const info = Buffer.concat([Buffer.from(digestInfos[`${hash}`] ?? '', 'hex'), digest])
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, info)
}

/** Encodes `r || s` as DER. @see RFC 3279, 2.2.3 */
export function encodeDerSignature(signature: Uint8Array): Buffer {
  const half = signature.length / 2
  const content = Buffer.concat([
    encodeInteger(signature.subarray(0, half)),
    encodeInteger(signature.subarray(half)),
  ])
  return Buffer.concat([encodeHead(0x30, content.length), content])
}

function encodeInteger(value: Uint8Array): Buffer {
  const start = value.findIndex((octet) => octet !== 0)
  const shortest = Buffer.from(start < 0 ? [0] : value.subarray(start))
  const sign = (shortest[0] ?? 0) >= 0x80 ? [0] : []
  const content = Buffer.concat([Buffer.from(sign), shortest])
  return Buffer.concat([encodeHead(0x02, content.length), content])
}

function encodeHead(tag: number, length: number): Buffer {
  return Buffer.from(length < 0x80 ? [tag, length] : [tag, 0x81, length])
}

function encodePss(hash: string, digest: Uint8Array, bits: number): Buffer {
  const length = Math.ceil((bits - 1) / 8)
  const salt = randomBytes(digest.length)
  const seed = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest()
  const data = Buffer.alloc(length - digest.length - 1)
  data[data.length - salt.length - 1] = 0x01
  salt.copy(data, data.length - salt.length)
  const mask = generateMask(hash, seed, data.length)
  const masked = data.map((octet, index) => octet ^ (mask[index] ?? 0))
  masked[0] = (masked[0] ?? 0) & (0xff >> (8 * length - (bits - 1)))
  return Buffer.concat([masked, seed, Buffer.from([0xbc])])
}

/** MGF1. @see RFC 8017, B.2.1 */
function generateMask(hash: string, seed: Buffer, length: number): Buffer {
  const blocks: Buffer[] = []
  for (let octets = 0; octets < length; octets += seed.length) {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(blocks.length)
    blocks.push(createHash(hash).update(seed).update(counter).digest())
  }
  return Buffer.concat(blocks).subarray(0, length)
}

function signEcdsa(curve: string, digest: Uint8Array, key: KeyObject): Buffer {
  const order = orders[curve] ?? 0n
  const ephemeral = createECDH(curve)
  const point = ephemeral.generateKeys()
  const length = (point.length - 1) / 2
  const r = readNumber(point.subarray(1, 1 + length)) % order
  // The digests of ES256, ES384 and ES512 are no longer than the order: nothing is cut off
  const sum = readNumber(digest) + r * findScalar(key)
  const s = (invert(readNumber(ephemeral.getPrivateKey()), order) * sum) % order
  if (r === 0n || s === 0n) return signEcdsa(curve, digest, key)
  return Buffer.concat([r, s].map((number) => encodeNumber(number, length)))
}

const scalars = new WeakMap<KeyObject, bigint>()

function findScalar(key: KeyObject): bigint {
  const known = scalars.get(key)
  if (known !== undefined) return known
  // A key that was just generated is read again first: Node 20 may wait for ever to export it as a JWK
  const der = key.export({ type: 'pkcs8', format: 'der' })
  const { d = '' } = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }).export({
    format: 'jwk',
  })
  const scalar = readNumber(Buffer.from(d, 'base64url'))
  scalars.set(key, scalar)
  return scalar
}

/** The inverse by Euclid's algorithm. It leaks its number in the time it takes: for tests only. */
function invert(number: bigint, order: bigint): bigint {
  let [low, high] = [number % order, order]
  let [factor, other] = [1n, 0n]
  while (low > 1n) {
    const quotient = high / low
    ;[low, high] = [high - quotient * low, low]
    ;[factor, other] = [other - quotient * factor, factor]
  }
  return ((factor % order) + order) % order
}

function readNumber(octets: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`)
}

function encodeNumber(number: bigint, length: number): Buffer {
  return Buffer.from(number.toString(16).padStart(length * 2, '0'), 'hex')
}

/**
 * The public half of a key on a token, made of its attributes.
 *
 * @see PKCS #11 Specification Version 3.1, 6.1.2, 6.3.4
 * @module
 */

import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { JwsAlgorithm } from '@countersign/core/keys'
import { StoreFault } from '../store/key-store.ts'
import { attribute, keyType } from './numbers.ts'

/** Reads one attribute; `undefined` when the object has none, or an empty one, or does not tell. */
export type ReadAttribute = (type: number) => Buffer | undefined

interface Curve {
  readonly crv: string
  /** Octets of a coordinate, or of the whole where there is one. */
  readonly length: number
  readonly algs: readonly JwsAlgorithm[]
}

const ed25519: Curve = { crv: 'Ed25519', length: 32, algs: ['EdDSA', 'Ed25519'] }

/** By CKA_EC_PARAMS in hex: an object identifier, or the curve's name as a PrintableString. */
const curves: Readonly<Record<string, Curve>> = {
  '06082a8648ce3d030107': { crv: 'P-256', length: 32, algs: ['ES256'] },
  '06052b81040022': { crv: 'P-384', length: 48, algs: ['ES384'] },
  '06052b81040023': { crv: 'P-521', length: 66, algs: ['ES512'] },
  '06032b6570': ed25519,
  '130c656477617264733235353139': ed25519,
}

const rsaAlgs: readonly JwsAlgorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']

/**
 * Reads the algorithms of a private key by its type.
 *
 * @throws StoreFault when there is none
 */
export function readAlgs(type: number, read: ReadAttribute): readonly JwsAlgorithm[] {
  return type === keyType.rsa ? rsaAlgs : readCurve(type, read).algs
}

/** Reads the public half from an object's attributes, the private key's own or the public key's. */
export function readPublicKey(type: number, read: ReadAttribute): KeyObject | undefined {
  const spki = read(attribute.publicKeyInfo)
  const whole = spki && build({ key: spki, format: 'der', type: 'spki' })
  if (whole) return whole
  if (type === keyType.rsa) {
    const n = read(attribute.modulus)
    const e = read(attribute.publicExponent)
    return n && e && buildJwk({ kty: 'RSA', n: encode(trim(n)), e: encode(trim(e)) })
  }
  const point = read(attribute.ecPoint)
  return point && buildPointKey(readCurve(type, read), point)
}

/** Reads the name of the curve, which both halves of a key may tell in different ways. */
export function readCurveName(read: ReadAttribute): string | undefined {
  return curves[readParameters(read)]?.crv
}

function readParameters(read: ReadAttribute): string {
  return read(attribute.ecParameters)?.toString('hex') ?? ''
}

function readCurve(type: number, read: ReadAttribute): Curve {
  const parameters = readParameters(read)
  const curve = curves[parameters]
  const isEdwards = curve === ed25519
  if (type === keyType.ec && curve && !isEdwards) return curve
  if (type === keyType.ecEdwards && isEdwards) return curve
  const isCurve = type === keyType.ec || type === keyType.ecEdwards
  const kind = isCurve ? `on another curve (${parameters})` : `of the type 0x${type.toString(16)}`
  const remedy = `it is a key ${kind}: RSA, P-256, P-384, P-521 and Ed25519 are what signs`
  throw new StoreFault('unsupported-algorithm', `the key is ${kind}`, remedy)
}

function buildPointKey({ crv, length }: Curve, value: Buffer): KeyObject | undefined {
  if (crv === 'Ed25519') {
    const x = value.length === length ? value : readOctetString(value)
    return x.length === length ? buildJwk({ kty: 'OKP', crv, x: encode(x) }) : undefined
  }
  // Some modules leave the OCTET STRING away, whose tag is that of an uncompressed point
  const point = value.length === 1 + 2 * length ? value : readOctetString(value)
  if (point.length !== 1 + 2 * length || point[0] !== 0x04) return undefined
  const x = encode(point.subarray(1, 1 + length))
  return buildJwk({ kty: 'EC', crv, x, y: encode(point.subarray(1 + length)) })
}

/** The content of a DER OCTET STRING of at most 255 octets; empty when it is none. */
function readOctetString(der: Buffer): Buffer {
  const start = der[1] === 0x81 ? 3 : 2
  const content = der.subarray(start)
  return der[0] === 0x04 && der[start - 1] === content.length ? content : Buffer.alloc(0)
}

function buildJwk(key: JsonWebKey): KeyObject | undefined {
  return build({ key, format: 'jwk' })
}

/** What is no key is none that could be used. */
function build(input: Parameters<typeof createPublicKey>[0]): KeyObject | undefined {
  try {
    return createPublicKey(input)
  } catch {
    return undefined
  }
}

/** Leading zeros are no part of a number in a JWK. @see RFC 7518, 6.3.1.1 */
function trim(number: Buffer): Buffer {
  const first = number.findIndex((octet) => octet !== 0)
  return number.subarray(Math.max(first, 0))
}

function encode(octets: Buffer): string {
  return octets.toString('base64url')
}

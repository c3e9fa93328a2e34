/**
 * ECDSA signatures as some key stores write them, in DER, and as JWA wants them: `r || s`.
 *
 * @see RFC 3279, 2.2.3 (Ecdsa-Sig-Value)
 * @see RFC 7518, 3.4
 *
 * @module
 */

import type { JwsAlgorithm } from '@countersign/core/keys'
import { StoreFault } from './key-store.ts'

/** Octets of r, and of s. */
const lengths: Partial<Record<JwsAlgorithm, number>> = { ES256: 32, ES384: 48, ES512: 66 }

/**
 * Converts a signature from DER, where it is one of ECDSA.
 *
 * @throws StoreFault `bad-signature` of anything but strict DER of two numbers that fit
 */
export function readDerSignature(alg: JwsAlgorithm, signature: Uint8Array): Uint8Array {
  const length = lengths[alg]
  if (length === undefined) return signature
  const der = Buffer.from(signature)
  // A SEQUENCE of at most 139 octets: its length takes one octet, or two from 128 on
  const start = der[1] === 0x81 ? 3 : 2
  const content = der.subarray(start)
  const isLongForm = start === 3
  const size = der[start - 1]
  if (der[0] !== 0x30 || size !== content.length || isLongForm !== content.length > 127)
    throw fault()
  const [r, rest] = readInteger(content, length)
  const [s, end] = readInteger(rest, length)
  if (end.length > 0) throw fault()
  return Buffer.concat([r, s])
}

/** An INTEGER as an unsigned number of fixed length, and what follows it. */
function readInteger(der: Buffer, length: number): readonly [value: Buffer, rest: Buffer] {
  const size = der[1] ?? 0
  const value = der.subarray(2, 2 + size)
  const [first = 0x80, second = 0x80] = value
  const isShortest = first !== 0 || (size > 1 && second >= 0x80)
  if (der[0] !== 0x02 || value.length !== size || first >= 0x80 || !isShortest) throw fault()
  const unsigned = first === 0 ? value.subarray(1) : value
  if (unsigned.length > length) throw fault()
  return [Buffer.concat([Buffer.alloc(length - unsigned.length), unsigned]), der.subarray(2 + size)]
}

function fault(): StoreFault {
  return new StoreFault(
    'bad-signature',
    'the key store returned an ECDSA signature that is not DER',
  )
}

import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readDerSignature } from '../../src/store/der-signature.ts'

/** An INTEGER of DER. */
function writeInteger(value: Buffer): Buffer {
  const start = value.findIndex((octet) => octet !== 0)
  const shortest = start === -1 ? Buffer.of(0) : value.subarray(start)
  const unsigned = (shortest[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), shortest]) : shortest
  return Buffer.concat([Buffer.of(0x02, unsigned.length), unsigned])
}

function writeDer(r: Buffer, s: Buffer): Buffer {
  const content = Buffer.concat([writeInteger(r), writeInteger(s)])
  const length = content.length > 127 ? [0x81, content.length] : [content.length]
  return Buffer.concat([Buffer.of(0x30, ...length), content])
}

const sizes = [
  ['ES256', 32],
  ['ES384', 48],
  ['ES512', 66],
] as const

test.each(sizes)('%s: numbers of any length come out as they went in', (alg, length) => {
  const number = fc
    .uint8Array({ minLength: 1, maxLength: length })
    .filter((octets) => octets.some((octet) => octet !== 0))
    .map((octets) => Buffer.concat([Buffer.alloc(length - octets.length), octets]))
  fc.assert(
    fc.property(number, number, (r, s) => {
      expect(readDerSignature(alg, writeDer(r, s))).toEqual(Buffer.concat([r, s]))
    }),
  )
})

test('what node:crypto signs comes out as it writes r || s itself', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (let index = 0; index < 300; index++) {
    const der = sign('sha256', Buffer.from(String(index)), privateKey)
    expect(readDerSignature('ES256', der)).toHaveLength(64)
  }
})

test.each(['RS256', 'PS512', 'EdDSA'] as const)('%s is no ECDSA, and left as it is', (alg) => {
  const signature = Buffer.from('not der at all')
  expect(readDerSignature(alg, signature)).toBe(signature)
})

describe('is refused', () => {
  const one = Buffer.concat([Buffer.alloc(31), Buffer.of(1)])
  const good = writeDer(one, one)
  const patch = (offset: number, octet: number) => {
    const der = Buffer.from(good)
    der[offset] = octet
    return der
  }
  const big = Buffer.concat([Buffer.of(1), Buffer.alloc(32)])
  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['r || s', Buffer.alloc(64, 1)],
    ['another tag', patch(0, 0x31)],
    ['another tag inside', patch(2, 0x03)],
    ['a wrong length', patch(1, good.length)],
    ['a number that is cut off', good.subarray(0, -1)],
    ['something behind it', Buffer.concat([good, Buffer.of(0)])],
    [
      'something behind its numbers',
      Buffer.concat([Buffer.of(0x30, 7), good.subarray(2), Buffer.of(0)]),
    ],
    ['a negative number', patch(4, 0x80)],
    ['a number that is not the shortest', Buffer.of(0x30, 7, 2, 2, 0, 1, 2, 1, 1)],
    ['a number without octets', Buffer.of(0x30, 5, 2, 0, 2, 1, 1)],
    ['zero', Buffer.of(0x30, 6, 2, 1, 0, 2, 1, 1)],
    ['a number that is too long', writeDer(big, one)],
    ['a long form where the short one does', Buffer.of(0x30, 0x81, 6, 2, 1, 1, 2, 1, 1)],
  ])('%s', (_, der) => {
    expect(() => readDerSignature('ES256', der)).toThrow(
      expect.objectContaining({ name: 'StoreFault', reason: 'bad-signature' }),
    )
  })

  test('any octets that are not a signature', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => {
        try {
          const signature = readDerSignature('ES256', octets)
          const [r, s] = [signature.subarray(0, 32), signature.subarray(32)]
          expect(writeDer(Buffer.from(r), Buffer.from(s))).toEqual(Buffer.from(octets))
        } catch (error) {
          expect(error).toMatchObject({ reason: 'bad-signature' })
        }
      }),
    )
  })
})

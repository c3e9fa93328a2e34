import { describe, expect, test } from 'vitest'
import { calculateCrc32c } from '../../src/gcp/crc32c.ts'

describe('the CRC-32C', () => {
  test.each([
    ['nothing', Buffer.alloc(0), 0],
    ['the digits', Buffer.from('123456789'), 0xe3069283],
    // RFC 3720, B.4
    ['zeros', Buffer.alloc(32), 0x8a9136aa],
    ['ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['octets that rise', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
    [
      'octets that fall',
      Buffer.from(Array.from({ length: 32 }, (_, index) => 31 - index)),
      0x113fdb5c,
    ],
  ])('of %s is what it should be', (_, data, expected) => {
    expect(calculateCrc32c(data)).toBe(expected)
  })
})

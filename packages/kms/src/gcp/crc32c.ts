/**
 * CRC-32C, the checksum by which Google Cloud KMS and its clients tell what was damaged on its way. The
 * `crc32` of node:zlib is of another polynomial.
 *
 * @see RFC 3720, 12.1
 *
 * @module
 */

/** The polynomial of Castagnoli, its bits reversed. */
const polynomial = 0x82f63b78

const table = Uint32Array.from({ length: 256 }, (_, octet) => {
  let value = octet
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? polynomial : 0)
  return value
})

/** Calculates the CRC-32C, as an unsigned number. */
export function calculateCrc32c(data: Uint8Array): number {
  let value = 0xffffffff
  for (const octet of data) value = (value >>> 8) ^ (table[(value ^ octet) & 0xff] ?? 0)
  return ~value >>> 0
}

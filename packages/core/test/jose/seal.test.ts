import { createHash, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { compactDecrypt, decodeProtectedHeader } from 'jose'
import { expect, test } from 'vitest'
import { createSealer } from '../../src/jose/seal.ts'

const secret = 'a secret that is long enough to be one'
const other = 'another secret that is long enough too'

test('what is sealed is opened again', () => {
  const { seal, open } = createSealer([secret], 'test')
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(open(seal(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('two seals of one value have nothing in common but the header', () => {
  const { seal } = createSealer([secret], 'test')
  const [a, b] = [seal('the value').split('.'), seal('the value').split('.')]
  expect(a[0]).toBe(b[0])
  expect(a[2]).not.toBe(b[2])
  expect(a[3]).not.toBe(b[3])
})

test('the form is a compact JWE that a JOSE library decrypts', async () => {
  const sealed = createSealer([secret], 'test').seal({ sub: 'ada' })
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'countersign test', 32))
  expect(decodeProtectedHeader(sealed)).toEqual({
    alg: 'dir',
    enc: 'A256GCM',
    kid: createHash('sha256').update(key).digest('base64url').slice(0, 8),
  })
  const { plaintext } = await compactDecrypt(sealed, key)
  expect(JSON.parse(new TextDecoder().decode(plaintext))).toEqual({ sub: 'ada' })
})

test('a secret is rotated: the new one seals, the old one still opens', () => {
  const before = createSealer([other], 'test')
  const after = createSealer([secret, other], 'test')
  expect(after.open(before.seal('x'))).toBe('x')
  expect(before.open(after.seal('x'))).toBeUndefined()
  expect(createSealer([secret], 'test').open(before.seal('x'))).toBeUndefined()
})

test('a value sealed for one purpose is not opened for another', () => {
  const sealed = createSealer([secret], 'session').seal('x')
  expect(createSealer([secret], 'login').open(sealed)).toBeUndefined()
})

test('a value that was changed anywhere is not opened', () => {
  const { seal, open } = createSealer([secret], 'test')
  const sealed = seal({ sub: 'ada', admin: false })
  for (let index = 0; index < sealed.length; index++) {
    const flipped = sealed[index] === 'A' ? 'Q' : 'A'
    if (sealed[index] === flipped) continue
    const changed = sealed.slice(0, index) + flipped + sealed.slice(index + 1)
    const opened = open(changed)
    // The last digit of base64url can have bits that mean nothing
    if (opened !== undefined) expect(opened).toEqual({ sub: 'ada', admin: false })
  }
  expect(open(sealed.slice(0, -8))).toBeUndefined()
  expect(open(`${sealed}.x`)).toBeUndefined()
})

test('a shorter tag is refused', () => {
  const { seal, open } = createSealer([secret], 'test')
  const parts = seal('x').split('.')
  parts[4] = Buffer.from(parts[4] ?? '', 'base64url')
    .subarray(0, 4)
    .toString('base64url')
  expect(open(parts.join('.'))).toBeUndefined()
})

test('anything else is not opened, and nothing is thrown', () => {
  const { open } = createSealer([secret], 'test')
  fc.assert(fc.property(fc.string(), (value) => open(value) === undefined))
  expect(open('....')).toBeUndefined()
  expect(open('')).toBeUndefined()
})

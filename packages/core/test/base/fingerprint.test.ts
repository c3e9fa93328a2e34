import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { fingerprint } from '../../src/base/fingerprint.ts'

test('the same data has the same one', () => {
  const data = () => ({ a: [1, 'x', { b: true }], url: new URL('https://x.example') })
  expect(fingerprint(data())).toBe(fingerprint(data()))
  expect(fingerprint(undefined)).toBe(fingerprint(undefined))
})

test('other data has another one', () => {
  const all = [{}, { a: 1 }, { a: '1' }, { a: [1] }, { b: 1 }, null, 'x', undefined]
  expect(new Set(all.map(fingerprint)).size).toBe(all.length)
})

test('functions and keys are the same only where they are the very same', () => {
  const key = () => generateKeyPairSync('ed25519').privateKey
  const one = key()
  expect(fingerprint({ key: one })).toBe(fingerprint({ key: one }))
  expect(fingerprint({ key: one })).not.toBe(fingerprint({ key: key() }))
  const act = () => 1
  expect(fingerprint({ act })).toBe(fingerprint({ act }))
  expect(fingerprint({ act })).not.toBe(fingerprint({ act: () => 1 }))
})

test('what refers to itself is never the same', () => {
  const data: Record<string, unknown> = {}
  data['self'] = data
  expect(fingerprint(data)).not.toBe(fingerprint(data))
})

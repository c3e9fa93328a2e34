import { expect, test } from 'vitest'
import { findSimilar } from '../../src/base/compare.ts'

const words = ['issuer', 'clientId', 'clientKey', 'http', 'alg', 'kid']

test.each([
  ['isuer', 'issuer'],
  ['issuers', 'issuer'],
  ['isseur', 'issuer'],
  ['ISSUER', 'issuer'],
  ['clientID', 'clientId'],
  ['clienKy', 'clientKey'],
  ['algs', 'alg'],
  ['ag', 'alg'],
])('"%s" is taken for "%s"', (word, expected) => {
  expect(findSimilar(word, words)).toBe(expected)
})

test.each(['', 'xyz', 'address', 'issuedAt', 'htmx1', 'a'])('"%s" is taken for nothing', (word) => {
  expect(findSimilar(word, words)).toBeUndefined()
})

test('the nearest of several is the one', () => {
  expect(findSimilar('clientKe', words)).toBe('clientKey')
})

import { createPublicKey, type KeyObject } from 'node:crypto'
import { CompactSign, createLocalJWKSet } from 'jose'
import { describe, expect, test } from 'vitest'
import { verifyJws } from '../../src/jose/verify.ts'
import { generateEc, generateRsa } from '../keys/support/keys.ts'

const one = generateEc()
const two = generateEc()

const publish = (key: KeyObject, kid?: string) => ({
  ...createPublicKey(key).export({ format: 'jwk' }),
  ...(kid !== undefined && { kid }),
})
const sign = (key: KeyObject, kid?: string) =>
  new CompactSign(new TextEncoder().encode('text'))
    .setProtectedHeader({ alg: 'ES256', ...(kid !== undefined && { kid }) })
    .sign(key)
const verify = async (jws: string, keys: readonly object[], algs = ['ES256']) =>
  verifyJws(jws, createLocalJWKSet({ keys: keys.map((key) => ({ kty: 'EC', ...key })) }), algs)

describe('a JWS is verified', () => {
  test.each<[string, string | undefined, readonly object[]]>([
    ['by the key that it names', 'a', [publish(two, 'b'), publish(one, 'a')]],
    ['by one of those with the name', 'a', [publish(two, 'a'), publish(one, 'a')]],
    ['by any that fits, if it names none', undefined, [publish(two, 'b'), publish(one, 'a')]],
  ])('%s', async (_name, kid, keys) => {
    const { payload } = await verify(await sign(one, kid), keys)
    expect(new TextDecoder().decode(payload)).toBe('text')
  })
})

describe('a key may be missing', () => {
  test.each<[string, string | undefined, readonly object[], boolean]>([
    ['if none has the name', 'new', [publish(one, 'a')], true],
    ['if none is of the kind', undefined, [publish(generateRsa())], true],
    ['if one without a name does not verify', undefined, [publish(two)], true],
    ['if none of some without a name does', undefined, [publish(two), publish(generateEc())], true],
    ['but not if the one with the name does not verify', 'a', [publish(two, 'a')], false],
  ])('%s', async (_name, kid, keys, isKeyMissing) => {
    expect(await verify(await sign(one, kid), keys)).toEqual({ payload: undefined, isKeyMissing })
  })

  test('but not if the algorithm is not accepted, or it is no JWS', async () => {
    const refused = { payload: undefined, isKeyMissing: false }
    expect(await verify(await sign(one), [publish(one)], ['RS256'])).toEqual(refused)
    expect(await verify(await sign(one), [publish(one)], [])).toEqual(refused)
    expect(await verify('a.b.c', [publish(one)])).toEqual(refused)
    expect(await verify('', [publish(one)])).toEqual(refused)
  })
})

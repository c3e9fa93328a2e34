/**
 * What a `pkcs11:` URI and the options say, and what is said of a wrong one. No module is needed.
 *
 * @module
 */

import { createUriKeySource, type Pkcs11Options, pkcs11 } from '@countersign/kms/pkcs11'
import { describe, expect, test } from 'vitest'

const parameters = { 'module-path': '/path/module.so', 'pin-source': 'file:/path/pin' }

function open(parts: Readonly<Record<string, string>>, changed: Record<string, string> = {}) {
  const name = 'pkcs11:token=rp;object=key'
  const place = { name, parts, parameters: { ...parameters, ...changed } }
  return createUriKeySource(place, { defaultRsaAlg: 'RS256' })
}

describe('a pkcs11: URI', () => {
  test('names its source, and loads nothing', () => {
    expect(open({ object: 'key' }).name).toBe('pkcs11:token=rp;object=key')
  })

  test('without the path of a module says what to write', () => {
    expect(() => open({ object: 'key' }, { 'module-path': '' })).toThrow(
      /^pkcs11:token=rp;object=key: needs .* add module-path=\/path\/module.so$/,
    )
  })

  test.each([
    ['file:/run/pin'],
    ['file:///run/pin'],
    ['file:./pin'],
    ['/run/pin'],
    ['env:TOKEN_PIN'],
  ])('takes its PIN from %s', (source) => {
    expect(() => open({ object: 'key' }, { 'pin-source': source })).not.toThrow()
  })

  test.each([['471108'], ['|cat pin'], ['env:'], ['file:'], ['https://pins.example']])(
    'with the PIN source %s is refused, and it is not repeated',
    (source) => {
      const opening = () => open({ object: 'key' }, { 'pin-source': source })
      expect(opening).toThrow('"pin-source" must say where the PIN is')
      expect(opening).not.toThrow(source === 'env:' || source === 'file:' ? 'x x' : source)
    },
  )

  test('without a PIN source says what to write', () => {
    const { 'pin-source': _, ...others } = parameters
    const place = { name: 'pkcs11:object=key', parts: { object: 'key' }, parameters: others }
    expect(() => createUriKeySource(place, { defaultRsaAlg: 'RS256' })).toThrow(
      'needs the PIN of its token: add pin-source=file:/path/pin or pin-source=env:NAME',
    )
  })

  test.each([
    [{ type: 'public', object: 'key' }, '"type" must be "private"'],
    [{ 'slot-id': 'x', object: 'key' }, '"slot-id" must be a number'],
    [{ object: 'a%2' }, 'is percent-encoded'],
  ])('with %o is refused', (parts, text) => {
    expect(() => open(parts)).toThrow(text)
  })

  test('whose PIN is nowhere is told without it', async () => {
    for (const source of ['env:no_such_pin', 'file:/no-such-folder/no_such_pin']) {
      await expect(open({ object: 'key' }, { 'pin-source': source }).keys()).rejects.toMatchObject({
        reason: 'credentials',
        message: expect.not.stringContaining('no_such_pin'),
      })
    }
  })
})

describe('the options of PKCS#11', () => {
  const usual = { modulePath: '/path/module.so', object: 'key', pin: 'x' }

  test('make the name that a URI would have', () => {
    const source = pkcs11({ ...usual, token: 'my token', serial: 'a;b', slotId: 3, id: '00ff' })
    expect(source.name).toBe('pkcs11:token=my%20token;serial=a%3Bb;slot-id=3;object=key;id=%00%ff')
  })

  test('have no "wait": the days of the keys say when each begins', () => {
    // @ts-expect-error
    const options: Pkcs11Options = { ...usual, wait: 60 }
    expect(() => pkcs11(options)).not.toThrow()
  })

  test.each<[Partial<Pkcs11Options>, string]>([
    [{ modulePath: '' }, '"modulePath"'],
    [{ object: undefined }, '"object" (the label of the key) or "id" is needed'],
    [{ id: 'xyz' }, '"id" must be octets'],
    [{ sessions: 0 }, '"sessions"'],
    [{ sessions: 1.5 }, '"sessions"'],
  ])('with %o are refused', (wrong, text) => {
    expect(() => pkcs11({ ...usual, ...wrong })).toThrow(TypeError)
    expect(() => pkcs11({ ...usual, ...wrong })).toThrow(text)
  })
})

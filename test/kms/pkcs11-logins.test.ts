/**
 * Logins to PKCS#11 tokens that fail, and PINs that do not come: neither is tried, or waited for,
 * without end.
 *
 * @module
 */

import { createRequire } from 'node:module'
import type { KeySource } from '@countersign/core/keys'
import { type Pkcs11Options, pkcs11 } from '@countersign/kms/pkcs11'
import type * as Pkcs11js from 'pkcs11js'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { describeAll, findError } from '../support/key-error.ts'
import { readSigner, signAndVerify } from './support/pkcs11/signatures.ts'
import { pin, type SoftHsm, skipReason, startSoftHsm, title } from './support/pkcs11/softhsm.ts'
import { openTestModule } from './support/pkcs11/token.ts'
import { type WatchedModules, watchModules } from './support/pkcs11/watch.ts'

const require = createRequire(import.meta.url)

describe.skipIf(skipReason !== undefined)(title('PKCS#11 logins'), () => {
  let hsm: SoftHsm
  let watched: WatchedModules
  const sources: KeySource[] = []

  beforeAll(async () => {
    hsm = await startSoftHsm(['pins', 'errors', 'confirmed'])
    const module = openTestModule(hsm.modulePath)
    const id = Buffer.from([1])
    for (const token of ['pins', 'errors', 'confirmed']) {
      module.createKey(token, { object: 'key', id, kind: 'p256' })
    }
    const attributes = [{ type: 0x202, value: true }]
    module.createKey('confirmed', { object: 'always', id, kind: 'p256', attributes })
    watched = watchModules()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    watched.answers.clear()
    watched.calls.length = 0
    await Promise.all(sources.splice(0).map((source) => source.close?.()))
  })
  afterAll(() => {
    watched?.stop()
    hsm?.close()
  })

  function open(settings: Partial<Pkcs11Options>): KeySource {
    const source = pkcs11({ modulePath: hsm.modulePath, object: 'key', pin, ...settings })
    sources.push(source)
    return source
  }

  const never = () => new Promise<string>(() => {})
  const countLogins = () => watched.calls.filter((name) => name === 'C_Login').length

  test('a PIN that never comes is told in time, and the next one is asked for', async () => {
    let ask = never
    const source = open({ token: 'pins', pin: () => ask() })
    const error = await findError(source.keys())
    expect(error).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', reason: 'timeout' })
    expect(error.message).toContain('its PIN was not there after 3.5 s: check the function "pin"')
    ask = async () => pin
    await signAndVerify(await readSigner(source))
  })

  test('a source whose PIN never comes can be closed', async () => {
    const source = open({ token: 'pins', pin: never })
    const failing = findError(source.keys())
    await new Promise(setImmediate)
    await source.close?.()
    expect(await failing).toMatchObject({ reason: 'timeout' })
  })

  test('a PIN that does not come for one signature leaves the login alone', async () => {
    let ask = async () => pin
    const signer = await readSigner(
      open({ token: 'confirmed', object: 'always', sessions: 1, pin: () => ask() }),
    )
    await signAndVerify(signer)
    watched.calls.length = 0
    ask = never
    const error = await findError(signer.sign(Buffer.from('x')))
    expect(error).toMatchObject({ code: 'ERR_SIGN', reason: 'timeout' })
    expect(error.message).toContain('its PIN was not there')
    ask = async () => pin
    await signAndVerify(signer)
    // That of the signature: the session is the same, and nothing is left in it
    expect(countLogins()).toBe(1)
    expect(watched.calls).not.toContain('C_OpenSession')
  })

  test('a login that failed for no reason that is known is not tried again for a minute', async () => {
    const loaded: typeof Pkcs11js = require('pkcs11js')
    watched.answers.set('C_Login', () => {
      throw new loaded.Pkcs11Error('CKR_GENERAL_ERROR:5', 5, 'C_Login')
    })
    // Whole, so that what is left is, too
    const failedAt = Math.round(performance.now())
    const clock = vi.spyOn(performance, 'now').mockReturnValue(failedAt)
    const source = open({ token: 'errors' })
    const error = await findError(source.keys())
    expect(error).toMatchObject({ reason: 'unavailable' })
    for (let round = 0; round < 9; round++) {
      const again = await findError(round < 5 ? source.keys() : open({ token: 'errors' }).keys())
      expect(again).toMatchObject({ reason: 'unavailable' })
      expect(again.message).toContain('it is tried again in 60 s')
      expect(describeAll(again)).not.toContain(pin)
    }
    expect(countLogins()).toBe(1)

    watched.answers.clear()
    clock.mockReturnValue(failedAt + 50_000)
    expect((await findError(source.keys())).message).toContain('it is tried again in 10 s')
    expect(countLogins()).toBe(1)
    clock.mockReturnValue(failedAt + 60_000)
    await signAndVerify(await readSigner(source))
    expect(countLogins()).toBe(2)
  })
})

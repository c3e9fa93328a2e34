/**
 * Which token and which key a PKCS#11 search finds, and what is said when it does not.
 *
 * @module
 */

import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { KeySource } from '@countersign/core/keys'
import { type Pkcs11Options, pkcs11 } from '@countersign/kms/pkcs11'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findError } from '../support/key-error.ts'
import { readSigner, signAndVerify } from './support/pkcs11/signatures.ts'
import { pin, type SoftHsm, skipReason, startSoftHsm, title } from './support/pkcs11/softhsm.ts'
import { openTestModule, type TestModule } from './support/pkcs11/token.ts'

const require = createRequire(import.meta.url)

describe.skipIf(skipReason !== undefined)(title('PKCS#11 keys'), () => {
  let hsm: SoftHsm
  let module: TestModule
  const sources: KeySource[] = []

  beforeAll(async () => {
    hsm = await startSoftHsm(['left', 'right', 'twin', 'twin'])
    module = openTestModule(hsm.modulePath)
    for (const token of ['left', 'right']) {
      module.createKey(token, { object: 'key', id: Buffer.from([1]), kind: 'p256' })
    }
  })
  afterEach(async () => {
    await Promise.all(sources.splice(0).map((source) => source.close?.()))
  })
  afterAll(() => hsm?.close())

  function open(settings: Partial<Pkcs11Options>): KeySource {
    const { modulePath } = hsm
    const source = pkcs11({ modulePath, token: 'left', pin, ...settings })
    sources.push(source)
    return source
  }

  describe('the token', () => {
    test('is found by its label', async () => {
      const left = await readSigner(open({ token: 'left', object: 'key' }))
      const right = await readSigner(open({ token: 'right', object: 'key' }))
      expect(left.kid).not.toBe(right.kid)
      await Promise.all([signAndVerify(left), signAndVerify(right)])
    })

    test('is found by its serial, its slot, its model', async () => {
      const slot = module.slot('right')
      const { serialNumber, model, manufacturerID } = module.cryptoki.C_GetTokenInfo(slot)
      const { kid } = await readSigner(open({ token: 'right', object: 'key' }))
      const serial = serialNumber.trim()
      const found = open({ token: undefined, serial, object: 'key' })
      expect((await readSigner(found)).kid).toBe(kid)
      const other = {
        model: model.trim(),
        manufacturer: manufacturerID.trim(),
        slotId: Number(slot.readBigUInt64LE()),
      }
      const same = open({ token: undefined, object: 'key', ...other })
      expect((await readSigner(same)).kid).toBe(kid)
      const none = await findError(open({ token: 'left', serial, object: 'key' }).keys())
      expect(none.reason).toBe('unavailable')
    })

    test.each([
      [undefined, '"left"'],
      ['twin', '"twin"'],
    ])('is not chosen among several (%s), which are named', async (token, seen) => {
      const error = await findError(open({ token, object: 'key' }).keys())
      expect(error).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE' })
      expect(error.message).toMatch(/fits \d tokens.*add "token" \(its label\) or "serial"/)
      expect(error.message).toContain(seen)
    })

    test('that is not there is told with those that are', async () => {
      const error = await findError(open({ token: 'middle', object: 'key' }).keys())
      expect(error).toMatchObject({ reason: 'unavailable' })
      // In no order of their own
      for (const token of ['left', 'right']) expect(error.message).toContain(`"${token}" (serial `)
    })
  })

  describe('the key', () => {
    test('is found by its id alone, and by octets as by hex', async () => {
      const object = 'by id'
      module.createKey('left', { object, id: Buffer.from([0x0a, 0xff]), kind: 'p256' })
      const signer = await readSigner(open({ object }))
      expect((await readSigner(open({ id: '0aff' }))).kid).toBe(signer.kid)
      const source = open({ id: Buffer.from([0x0a, 0xff]) })
      expect(source.name).toBe('pkcs11:token=left;id=%0a%ff')
      await signAndVerify(await readSigner(source))
    })

    test('that is not there is told with those that are', async () => {
      const error = await findError(open({ token: 'right', object: 'other' }).keys())
      expect(error).toMatchObject({ reason: 'not-found' })
      expect(error.message).toContain('its token has the private keys "key"')
    })

    test('is not chosen among several of one name, until an id or dates tell', async () => {
      const object = 'several'
      module.createKey('left', { object, id: Buffer.from([0x31]), kind: 'p256' })
      module.createKey('left', { object, id: Buffer.from([0x32]), kind: 'p256' })
      const error = await findError(open({ object }).keys())
      expect(error.message).toMatch(/names 2 private keys \(id: %3[12], %3[12]\).*add "id"/)
      await signAndVerify(await readSigner(open({ object, id: '31' })))
    })

    test('has a version for each key with dates', async () => {
      const object = 'dated'
      module.createKey('left', { object, id: Buffer.from([0x41]), kind: 'p256' })
      const days = ['20400101', '20401231'] as const
      module.createKey('left', { object, id: Buffer.from([0x42]), kind: 'p256', days })
      const [first, second, ...others] = await open({ object }).keys()
      expect(others).toEqual([])
      const begin = Date.UTC(2040, 0, 1) / 1000
      expect(first).toMatchObject({ notBefore: undefined, notAfter: begin + 86_400 })
      // The last day belongs to it
      expect(second).toMatchObject({ notBefore: begin, notAfter: Date.UTC(2041, 0, 1) / 1000 })
      expect(first?.signer.kid).not.toBe(second?.signer.kid)
      if (second) await signAndVerify(second.signer)
      const named = await findError(open({ object, kid: 'one' }).keys())
      expect(named.message).toContain('several versions')
    })

    test('of RSA tells its public half itself, without a public key on the token', async () => {
      const object = 'rsa alone'
      module.createKey('left', { object, kind: 'rsa', hasPublicKey: false })
      await signAndVerify(await readSigner(open({ object })))
    })

    test('of EC without a public key on the token cannot be published', async () => {
      const object = 'ec alone'
      module.createKey('left', { object, kind: 'p256', hasPublicKey: false })
      const error = await findError(open({ object }).keys())
      expect(error.message).toContain('import the public key with the same CKA_ID')
    })

    test('without an id has the public key of its label', async () => {
      const object = 'no id'
      module.createKey('left', { object, kind: 'p384' })
      await signAndVerify(await readSigner(open({ object })))
    })

    test('may have its point without the OCTET STRING around it', async () => {
      const object = 'bare'
      for (const kind of ['p256', 'ed25519'] as const) {
        module.createKey('left', { object: object + kind, id: Buffer.from(kind), kind })
        const source = open({ object: object + kind })
        const { kid } = await readSigner(source)
        module.unwrapPoint('left', object + kind)
        const [bare] = await source.keys({ renew: true })
        expect(bare?.signer.kid).toBe(kid)
        if (bare) await signAndVerify(bare.signer)
      }
    })

    test('on another curve is told', async () => {
      const object = 'secp256k1'
      module.createKey('left', { object, id: Buffer.from([0x51]), kind: 'secp256k1' })
      const error = await findError(open({ object }).keys())
      expect(error).toMatchObject({ reason: 'unsupported-algorithm' })
      expect(error.message).toContain('on another curve (06052b8104000a)')
    })

    test('that may not sign is told', async () => {
      const object = 'decrypts'
      const attributes = [{ type: 0x108, value: false }]
      module.createKey('left', { object, kind: 'rsa', attributes })
      const error = await findError(open({ object }).keys())
      expect(error).toMatchObject({ reason: 'denied' })
      expect(error.message).toContain('CKA_SIGN is false')
    })

    test('that wants the PIN for each signature gets it', async () => {
      const object = 'always'
      const attributes = [{ type: 0x202, value: true }]
      module.createKey('left', { object, id: Buffer.from([0x61]), kind: 'p256', attributes })
      const signer = await readSigner(open({ object }))
      await Promise.all(Array.from({ length: 10 }, () => signAndVerify(signer)))
    })
  })

  describe('a module', () => {
    test('that is no library, or no PKCS#11, is told and ends nothing', async () => {
      const text = join(hsm.folder, 'text.so')
      writeFileSync(text, 'this is a text')
      const other = require.resolve('pkcs11js/build/Release/pkcs11.node')
      for (const modulePath of ['/nowhere/pkcs11.so', text, other]) {
        const error = await findError(open({ modulePath, object: 'key' }).keys())
        expect(error).toMatchObject({ reason: 'unavailable' })
        expect(error.message).toContain('check "module-path"')
      }
    })
  })
})

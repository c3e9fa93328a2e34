/**
 * A PKCS#11 module that nobody but key sources uses: initialised once, finalised when the last one goes.
 *
 * @module
 */

import { generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import type { KeySource } from '@countersign/core/keys'
import { pkcs11 } from '@countersign/kms/pkcs11'
import type * as Pkcs11js from 'pkcs11js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findError } from '../support/key-error.ts'
import { readSigner, signAndVerify } from './support/pkcs11/signatures.ts'
import { pin, type SoftHsm, skipReason, startSoftHsm, title } from './support/pkcs11/softhsm.ts'

const require = createRequire(import.meta.url)

describe.skipIf(skipReason !== undefined)(title('a PKCS#11 module'), () => {
  let hsm: SoftHsm
  let cryptoki: Pkcs11js.PKCS11

  beforeAll(async () => {
    // As a module is that lacks the mechanisms which take a digest; of the list the first is ignored
    const missing = 'slots.mechanisms = -CKM_MD5,CKM_RSA_PKCS,CKM_RSA_PKCS_PSS,CKM_ECDSA'
    hsm = await startSoftHsm(['token'], [missing])
    const pem = { type: 'pkcs8', format: 'pem' } as const
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem)
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem)
    await hsm.importKey({ token: 'token', object: 'rsa', id: '01', pem: `${rsa}` })
    await hsm.importKey({ token: 'token', object: 'ec', id: '02', pem: `${ec}` })
    const loaded: typeof Pkcs11js = require('pkcs11js')
    cryptoki = new loaded.PKCS11(hsm.modulePath)
  })
  afterAll(() => hsm?.close())

  function open(object: string, alg?: 'RS256' | 'PS384'): KeySource {
    return pkcs11({ modulePath: hsm.modulePath, token: 'token', object, pin, alg })
  }

  function readInfo(): string {
    try {
      return cryptoki.C_GetInfo().manufacturerID
    } catch (error) {
      return error instanceof Error ? error.message : ''
    }
  }

  test('is initialised by the first that needs it and finalised by the last, each time', async () => {
    for (let round = 0; round < 3; round++) {
      const [first, second] = [open('rsa', 'RS256'), open('rsa', 'PS384')]
      expect(readInfo()).toBe('CKR_CRYPTOKI_NOT_INITIALIZED')
      await signAndVerify(await readSigner(first))
      const signer = await readSigner(second)
      await first.close?.()
      await first.close?.()
      await signAndVerify(signer)
      expect(readInfo()).toContain('SoftHSM')
      // It waits for what is under way: nobody may be inside when it is finalised
      const last = Array.from({ length: 12 }, () => signAndVerify(signer))
      await new Promise(setImmediate)
      await Promise.all([second.close?.(), ...last])
      expect(readInfo()).toBe('CKR_CRYPTOKI_NOT_INITIALIZED')
    }
  })

  test('that lacks the mechanisms for digests is given the data', async () => {
    const source = open('rsa', 'PS384')
    expect(cryptoki.C_Initialize({ flags: 2 })).toBeUndefined()
    const mechanisms = cryptoki.C_GetMechanismList(cryptoki.C_GetSlotList(true)[0] ?? Buffer.of())
    cryptoki.C_Finalize()
    expect(mechanisms).not.toContain(0x01)
    expect(mechanisms).not.toContain(0x0d)
    await signAndVerify(await readSigner(source))
    await source.close?.()
  })

  test('that lacks every mechanism for a key says so', async () => {
    const source = open('ec')
    expect(await findError(source.keys())).toMatchObject({ reason: 'unsupported-algorithm' })
    await source.close?.()
  })
})

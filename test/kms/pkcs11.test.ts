/**
 * Keys in PKCS#11, with SoftHSM2 and the real pkcs11js: the contracts of signers and key sources.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import type { JwsAlgorithm, KeySource, Signer } from '@countersign/core/keys'
import { pkcs11 } from '@countersign/kms/pkcs11'
import { afterAll, beforeAll, describe } from 'vitest'
import { keySourceContract, type OpenSettings } from '../contract/key-source.ts'
import { signerContract } from '../contract/signer.ts'
import { pin, type SoftHsm, skipReason, startSoftHsm, title } from './support/pkcs11/softhsm.ts'
import { kindOf, openTestModule, type TestModule } from './support/pkcs11/token.ts'

const algs: readonly JwsAlgorithm[] = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
]

describe.skipIf(skipReason !== undefined)(title('PKCS#11'), () => {
  let hsm: SoftHsm
  let module: TestModule
  const sources: KeySource[] = []

  beforeAll(async () => {
    hsm = await startSoftHsm(['signers', 'sources'])
    module = openTestModule(hsm.modulePath)
  })
  afterAll(async () => {
    await Promise.all(sources.map((source) => source.close?.()))
    hsm?.close()
  })

  signerContract({
    name: 'SoftHSM',
    algorithms: algs,
    async create(alg): Promise<Signer> {
      const object = `key-${alg}`
      module.createKey('signers', { object, id: Buffer.from(alg), kind: kindOf(alg) })
      const { modulePath } = hsm
      const source = pkcs11({ modulePath, token: 'signers', object, pin, alg })
      sources.push(source)
      const [key, ...others] = await source.keys()
      if (!key || others.length > 0) throw new TypeError('there is not one key')
      return key.signer
    },
  })

  keySourceContract({
    name: 'the source of a key in SoftHSM',
    // Its dates say when a key signs, and they are days
    hasVersions: false,
    async start() {
      const token = 'sources'
      const open = (object: string, settings: OpenSettings = {}) =>
        pkcs11({ modulePath: hsm.modulePath, token, object, pin, ...settings })
      let count = 0
      return {
        async createKey(alg) {
          count += 1
          const object = `key ${count}`
          module.createKey(token, { object, id: randomBytes(8), kind: kindOf(alg) })
          return object
        },
        open,
        openAsStranger: (object) =>
          pkcs11({ modulePath: hsm.modulePath, token, object, pin: 'wrong-secret' }),
        openNowhere: (object) => pkcs11({ modulePath: '/nowhere/pkcs11.so', token, object, pin }),
        async rotate(object) {
          const id = randomBytes(8)
          module.createKey(token, { object, id, kind: 'p256', days: [today()] })
        },
        async destroy(object) {
          module.destroy(token, object)
        },
        async close() {},
      }
    },
  })
})

/** As CKA_START_DATE has it. */
function today(): string {
  return new Date().toISOString().slice(0, 10).replaceAll('-', '')
}

/**
 * Keys in a TPM, through tpm2-pkcs11, where a lane of tests sets one up: `TPM2_PKCS11_TEST_MODULE` is
 * the path of the module, `TPM2_PKCS11_TEST_TOKEN` the token's label and `TPM2_PKCS11_TEST_PIN` its PIN.
 * The token has the keys "rsa", "p256" and "p384".
 *
 * @module
 */

import type { KeySource } from '@countersign/core/keys'
import { type Pkcs11Options, pkcs11 } from '@countersign/kms/pkcs11'
import { afterAll, describe, expect, test } from 'vitest'
import { signerContract } from '../contract/signer.ts'
import { findError } from '../support/key-error.ts'
import { readSigner, signAndVerify } from './support/pkcs11/signatures.ts'
import { kindOf } from './support/pkcs11/token.ts'

const modulePath = process.env['TPM2_PKCS11_TEST_MODULE'] ?? ''
const token = process.env['TPM2_PKCS11_TEST_TOKEN'] ?? 'rp'
const pin = process.env['TPM2_PKCS11_TEST_PIN'] ?? ''

const isHere = modulePath !== ''

describe.skipIf(!isHere)(
  isHere ? 'a TPM' : 'a TPM (skipped: set TPM2_PKCS11_TEST_MODULE to a tpm2-pkcs11)',
  () => {
    const sources: KeySource[] = []
    afterAll(async () => {
      await Promise.all(sources.map((source) => source.close?.()))
    })

    function open(object: string, settings: Partial<Pkcs11Options> = {}): KeySource {
      const source = pkcs11({ modulePath, token, object, pin, ...settings })
      sources.push(source)
      return source
    }

    signerContract({
      name: 'a TPM',
      algorithms: ['RS256', 'PS256', 'ES256', 'ES384'],
      create: (alg) => readSigner(open(kindOf(alg), { alg })),
    })

    test('a key that is not there is told with those that are', async () => {
      const error = await findError(open('nothing').keys())
      expect(error).toMatchObject({ reason: 'not-found' })
      expect(error.message).toContain('"p256"')
    })

    test('it signs again after its source was closed and opened', async () => {
      const source = open('p256')
      await signAndVerify(await readSigner(source))
      await Promise.all(sources.splice(0).map((one) => one.close?.()))
      await signAndVerify(await readSigner(open('p256')))
    })
  },
)

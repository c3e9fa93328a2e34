import { type JwsAlgorithm, jwsAlgorithms, type Signer } from '@countersign/core/keys'
import { afterAll, beforeAll } from 'vitest'
import { keySourceContract } from '../contract/key-source.ts'
import { signerContract } from '../contract/signer.ts'
import type { KmsServer } from './support/aws/kms-server.ts'
import {
  keySpecs,
  oneAlias,
  openKey,
  startTestKeyStore,
  startTestServer,
  stubCredentials,
  tester,
  twoAliases,
} from './support/aws/test-key-store.ts'

let server: KmsServer
const closing: (() => Promise<void> | undefined)[] = []
beforeAll(async () => {
  stubCredentials(tester)
  server = await startTestServer()
  for (const spec of new Set(Object.values(keySpecs))) {
    server.keys.setAlias(`alias/${spec}`, server.keys.createKey(spec))
  }
})
afterAll(async () => {
  await Promise.all(closing.map((close) => close()))
  await server.close()
})

async function createSigner(alg: JwsAlgorithm): Promise<Signer> {
  const source = openKey(server, `alias/${keySpecs[alg]}`, { alg })
  closing.push(async () => source.close?.())
  const [key] = await source.keys()
  if (!key) throw new TypeError('there is no key')
  return key.signer
}

/** What is before and after the payload takes 24 characters; the payload is encoded as base64url. */
const longestPayload = ((4096 - 24) / 4) * 3

signerContract({
  name: 'AWS KMS',
  algorithms: jwsAlgorithms,
  create: createSigner,
  longest: (alg) => (keySpecs[alg] === 'ECC_NIST_EDWARDS25519' ? longestPayload : 10_000),
})

keySourceContract({
  name: 'a key of AWS KMS with one alias',
  hasVersions: false,
  start: () => startTestKeyStore(oneAlias),
})

keySourceContract({
  name: 'a key of AWS KMS with two aliases',
  hasVersions: true,
  start: () => startTestKeyStore(twoAliases),
})

import { type JwsAlgorithm, jwsAlgorithms } from '@countersign/core/keys'
import { afterAll, beforeAll, describe } from 'vitest'
import { keySourceContract } from '../contract/key-source.ts'
import { signerContract } from '../contract/signer.ts'
import { type GoogleTestKeyStore, startGoogleKms } from './support/gcp/test-store.ts'

const unsupported: readonly JwsAlgorithm[] = ['RS384', 'PS384', 'ES512']
const algs = jwsAlgorithms.filter((alg) => !unsupported.includes(alg))

describe.each(['gRPC', 'REST'] as const)('Google Cloud KMS over %s', (transport) => {
  let store: GoogleTestKeyStore
  beforeAll(async () => {
    store = await startGoogleKms(transport)
  })
  afterAll(() => store.close())

  signerContract({
    name: 'a signer',
    algorithms: algs,
    async create(alg) {
      const [key] = await store.open(await store.createKey(alg), { alg }).keys()
      if (!key) throw new TypeError('there is no key')
      return key.signer
    },
  })

  keySourceContract({
    name: 'a key source',
    hasVersions: true,
    start: () => startGoogleKms(transport),
  })
})

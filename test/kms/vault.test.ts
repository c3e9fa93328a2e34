import type { JwsAlgorithm } from '@countersign/core/keys'
import { afterAll, beforeAll } from 'vitest'
import { keySourceContract, type TestKeyStore } from '../contract/key-source.ts'
import { signerContract } from '../contract/signer.ts'
import { startVaultEmulator } from './support/vault/emulator.ts'
import { createVaultTestKeyStore } from './support/vault/test-key-store.ts'

const algorithms: readonly JwsAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

let store: TestKeyStore

async function start(how: 'token' | 'approle'): Promise<TestKeyStore> {
  const emulator = await startVaultEmulator()
  const signRequests = () => emulator.requests.filter(({ path }) => path.includes('/sign/')).length
  return await createVaultTestKeyStore({ ...emulator, signRequests }, how)
}

beforeAll(async () => {
  store = await start('token')
})

afterAll(() => store.close())

signerContract({
  name: 'Vault Transit (emulated)',
  algorithms,
  async create(alg) {
    const [key] = await store.open(await store.createKey(alg), { alg }).keys()
    if (!key) throw new TypeError('there is no key')
    return key.signer
  },
})

const contract = { hasVersions: true } as const

keySourceContract({
  ...contract,
  name: 'Vault Transit (emulated), by a token',
  start: () => start('token'),
})

keySourceContract({
  ...contract,
  name: 'Vault Transit (emulated), by an AppRole',
  start: () => start('approle'),
})

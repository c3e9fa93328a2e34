/**
 * The contracts of signers and of key sources, with keys in an emulated Azure Key Vault.
 *
 * @module
 */

import type { JwsAlgorithm } from '@countersign/core/keys'
import { afterAll, beforeAll } from 'vitest'
import { keySourceContract, type OpenSettings } from '../contract/key-source.ts'
import { signerContract } from '../contract/signer.ts'
import {
  type EmulatedKeyVault,
  type Misbehaviour,
  startKeyVault,
} from './support/azure/key-vault.ts'
import { createCredential, openKey } from './support/azure/open.ts'
import type { VaultKeyType } from './support/azure/vault-keys.ts'
import { generateCertificate } from './support/certificate.ts'

const certificate = generateCertificate()
const types: Partial<Record<JwsAlgorithm, VaultKeyType>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
}

let vault: EmulatedKeyVault
beforeAll(async () => {
  vault = await startKeyVault(certificate)
})
afterAll(() => vault.close())

signerContract({
  name: 'a key in Azure Key Vault',
  algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'],
  async create(alg) {
    const name = `key-${alg}`
    vault.createVersion(name, types[alg] ?? 'RSA')
    const [key] = await openKey(vault, certificate, { name, alg }).keys()
    if (!key) throw new TypeError('there is no key')
    return key.signer
  },
})

const faults: Readonly<Record<string, Omit<Misbehaviour, 'times'>>> = {
  throttled: {
    status: 429,
    headers: { 'content-type': 'application/json' },
    body: '{"error":{"code":"Throttled","message":"Request was not processed because too many requests were received."}}',
  },
  unavailable: { status: 503 },
  hanging: {},
}

keySourceContract({
  name: 'a key source in Azure Key Vault',
  hasVersions: true,
  async start() {
    const own = await startKeyVault(certificate)
    let last = 0
    return {
      async createKey() {
        last++
        own.createVersion(`key-${last}`, 'P-256')
        return `key-${last}`
      },
      open: (name, settings) => openKey(own, certificate, { name, ...settings }),
      openAsStranger: (name) =>
        openKey(own, certificate, { name, credential: createCredential('wrong-secret') }),
      openNowhere: (name) =>
        openKey({ url: 'https://127.0.0.1:1', token: 'none' }, certificate, { name }),
      openVersion: (name, settings?: OpenSettings) =>
        openKey(own, certificate, { name, version: own.keys.get(name)?.[0]?.id, ...settings }),
      async rotate(name) {
        own.createVersion(name, 'P-256')
      },
      async disable(name) {
        const [oldest] = own.keys.get(name) ?? []
        if (oldest) oldest.enabled = false
      },
      async destroy(name) {
        own.keys.delete(name)
      },
      async deny(name) {
        own.denied.set(name, 'ForbiddenByRbac')
      },
      misbehave(fault, times) {
        own.misbehaviour = { ...faults[fault], times }
      },
      recover() {
        own.misbehaviour = undefined
      },
      signRequests: () => own.requests.filter(({ path }) => path.endsWith('/sign')).length,
      close: () => own.close(),
    }
  },
})

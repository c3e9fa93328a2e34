/**
 * A Vault as the contract suites want it: emulated, or real.
 *
 * @module
 */

import { type VaultAuth, vaultTransit } from '@countersign/kms/vault'
import type { OpenSettings, TestKeyStore } from '../../../contract/key-source.ts'
import { administerVault } from './administration.ts'

/** A running Vault without mounts. */
export interface RunningVault
  extends Pick<TestKeyStore, 'misbehave' | 'recover' | 'signRequests' | 'close'> {
  readonly address: string
  readonly rootToken: string
}

const allKeys = { 'transit/keys/*': ['read'], 'transit/sign/*': ['update'] }

/** Prepares a Vault: its mounts, and what the app may do, by a token or by an AppRole. */
export async function createVaultTestKeyStore(
  vault: RunningVault,
  how: 'token' | 'approle',
): Promise<TestKeyStore> {
  const { address, rootToken } = vault
  const administration = administerVault(address, rootToken)
  await administration.post('sys/mounts/transit', { type: 'transit' })
  await administration.writePolicy('app', allKeys)
  const denied: Record<string, readonly string[]> = {}
  let auth: VaultAuth
  let strange: VaultAuth
  if (how === 'token') {
    auth = { token: await administration.createToken('app') }
    strange = { token: 'wrong-secret' }
  } else {
    await administration.post('sys/auth/approle', { type: 'approle' })
    const settings = { token_policies: ['app'], token_ttl: 600 }
    auth = await administration.createAppRole('app', settings)
    strange = { ...auth, secretId: 'wrong-secret' }
  }
  let made = 0
  return {
    ...vault,
    async createKey(alg) {
      const name = `key-${how}-${made++}`
      await administration.createKey(name, alg)
      return name
    },
    open: (key, settings) => vaultTransit({ key, address, auth, ...settings }),
    openAsStranger: (key) => vaultTransit({ key, address, auth: strange }),
    openNowhere: (key) => vaultTransit({ key, address: 'http://127.0.0.1:1', auth }),
    openVersion: (key, settings?: OpenSettings) =>
      vaultTransit({ key, version: 1, address, auth, ...settings }),
    rotate: administration.rotate,
    disable: (key) => administration.configure(key, { min_encryption_version: 2 }),
    destroy: administration.destroy,
    async deny(key) {
      denied[`transit/keys/${key}`] = ['deny']
      await administration.writePolicy('app', { ...allKeys, ...denied })
    },
  }
}

/**
 * Keys in the Transit engine of HashiCorp Vault or OpenBao, over their HTTP API.
 *
 * The policy of the token needs `read` on `<mount>/keys/<key>` and `update` on `<mount>/sign/<key>`.
 *
 * @see https://developer.hashicorp.com/vault/docs/secrets/transit
 *
 * @module
 */

import type { KeyPlace, KeySettings, KeySource } from '@countersign/core/keys'
import { buildStoreError } from './store/error.ts'
import { createKeyStoreSource } from './store/key-source.ts'
import { type KeyStore, type KeyVersion, StoreFault } from './store/key-store.ts'
import { createAsking } from './vault/asking.ts'
import { createVaultClient } from './vault/client.ts'
import { readVaultEnvironment } from './vault/environment.ts'
import { readVaultFailure } from './vault/failure.ts'
import { buildSignBody, readKey, readSignature, type VaultKeyVersion } from './vault/key.ts'
import { createVaultTokens } from './vault/login.ts'
import {
  type CheckedVaultOptions,
  checkVaultOptions,
  type VaultTransitOptions,
} from './vault/options.ts'

export type { VaultAuth, VaultSecretId } from './vault/login.ts'
export type { VaultTransitOptions } from './vault/options.ts'

/** Creates the source of a key in Vault's Transit engine. Nothing is asked before a key is needed. */
export function vaultTransit(options: VaultTransitOptions): KeySource {
  const checked = checkVaultOptions(options)
  const { key, alg, kid, notBefore, notAfter, wait, renewAfter } = options
  const name = `hashivault://${key}`
  const settings = { name, alg, kid, notBefore, notAfter, wait, renewAfter }
  return createKeyStoreSource(async () => createStore(checked), settings)
}

/**
 * Creates the source that a key URI names: `hashivault://KEY?mount=transit&version=3`. The environment
 * is read now; what is missing or wrong there is told when a key is needed.
 */
export function createUriKeySource(place: KeyPlace, settings: KeySettings): KeySource {
  const { name, parts, parameters, wait } = place
  const { key = '' } = parts
  const { mount = 'transit', version: number } = parameters
  const version = number === undefined ? undefined : Number(number)
  const environment = readVaultEnvironment()
  return createKeyStoreSource(
    async () => {
      if (environment instanceof StoreFault) {
        const code = 'ERR_KEY_UNAVAILABLE'
        throw buildStoreError({ code, name, failure: environment, cause: undefined })
      }
      return createStore({ ...environment, key, mount, version, fetch })
    },
    { ...settings, wait, name },
  )
}

function createStore({ key, mount, version: only, auth, ...place }: CheckedVaultOptions): KeyStore {
  const client = createVaultClient(place)
  const tokens = createVaultTokens(auth, client)
  const ask = createAsking(tokens, async (token, signal) => {
    const path = 'auth/token/lookup-self'
    await client({ purpose: 'look up the token', path, token, signal })
  })
  const numbered = new WeakMap<KeyVersion, VaultKeyVersion>()
  return {
    concurrency: 20,
    async readVersions({ signal }) {
      const path = `${mount}/keys/${key}`
      const answer = await ask(signal, (token) => client({ purpose: 'read', path, token, signal }))
      const versions = readKey(answer, `${mount}/${key}`, only)
      for (const version of versions) numbered.set(version, version)
      return versions
    },
    async sign(version, { alg, data, signal }) {
      const own = numbered.get(version)
      if (!own) throw new StoreFault('not-found', 'it is a version of another key')
      const path = `${mount}/sign/${key}`
      const body = buildSignBody(own, { alg, data })
      const answer = await ask(signal, (token) =>
        client({ purpose: 'sign', path, token, body, signal }),
      )
      return readSignature(answer, own)
    },
    readFailure: (error) => readVaultFailure(error, { mount, key }),
  }
}

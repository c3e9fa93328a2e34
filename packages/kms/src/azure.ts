/**
 * Keys in Azure Key Vault and in Managed HSMs.
 *
 * Every enabled version of a key is published; which of them signs follows from when they were made. A
 * key that is named with its version stays alone.
 *
 * @see https://learn.microsoft.com/azure/key-vault/keys/about-keys
 *
 * @module
 */

import type { KeyClientOptions } from '@azure/keyvault-keys'
import { KeyError, type KeyPlace, type KeySettings, type KeySource } from '@countersign/core/keys'
import type { AzureCredential } from './azure/clients.ts'
import { openAzureStore } from './azure/store.ts'
import { createKeyStoreSource, type KeyStoreSettings } from './store/key-source.ts'

export type { AzureCredential } from './azure/clients.ts'

/** Where a key in Azure Key Vault is, and how it is used. */
export interface AzureKeyVaultOptions extends Omit<KeyStoreSettings, 'name'> {
  /** The vault or Managed HSM: `https://VAULT.vault.azure.net`, `https://HSM.managedhsm.azure.net`. */
  readonly vaultUrl: string
  /** The key's name. */
  readonly name: string
  /** The version. Default: every one that is enabled, so that the key can be rotated. */
  readonly version?: string | undefined
  /** Who asks: any credential of Azure's. Default: `DefaultAzureCredential` of `@azure/identity`. */
  readonly credential?: AzureCredential | undefined
  /**
   * Options for Azure's clients: a proxy, `tlsOptions` with a CA, `disableChallengeResourceVerification`
   * for a private cloud. Their `retryOptions` are not used: what may pass is asked again here.
   */
  readonly clientOptions?: KeyClientOptions | undefined
}

/**
 * Creates the source of a key in Azure Key Vault. Nothing is loaded or asked before keys are needed.
 *
 * Needs the package `@azure/keyvault-keys`; and `@azure/identity` where no credential is passed.
 */
export function azureKeyVault(options: AzureKeyVaultOptions): KeySource {
  const { name, version, vaultUrl: rawVaultUrl, credential, clientOptions, ...settings } = options
  const url = readVaultUrl(rawVaultUrl)
  if (!url) {
    throw new TypeError(
      '"vaultUrl" must be an https address with no path: https://VAULT.vault.azure.net',
    )
  }
  if (typeof name !== 'string' || !/^[\w-]+$/.test(name)) {
    throw new TypeError('"name" must be the name of a key, without its vault and its version')
  }
  if (version !== undefined && !/^[\da-f]{32}$/i.test(version)) {
    throw new TypeError('"version" must be the 32 hexadecimal digits of a version')
  }
  if (settings.kid !== undefined && version === undefined) {
    throw new TypeError('"kid" names one key for ever: name its version too')
  }
  const { origin: vaultUrl, host } = url
  const place = { vaultUrl, name, version, credential, clientOptions }
  const path = version === undefined ? name : `${name}/${version}`
  return createKeyStoreSource(() => openAzureStore(place), {
    ...settings,
    name: `azurekms://${host}/${path}`,
  })
}

/**
 * Creates the source that an `azurekms:` URI names.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE` when it names no host that there can be
 */
export function createUriKeySource(place: KeyPlace, settings: KeySettings): KeySource {
  const { vault = '', name = '', version } = place.parts
  const url = readVaultUrl(`https://${vault}`)
  if (!url) throw new KeyError('ERR_KEY_UNAVAILABLE', `${place.name} names no host`)
  return createKeyStoreSource(() => openAzureStore({ vaultUrl: url.origin, name, version }), {
    ...settings,
    name: place.name,
    wait: place.wait,
  })
}

/** The address is the vault's own, since a token goes there. */
function readVaultUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isVault = url?.protocol === 'https:' && url.href === `${url.origin}/`
  return isVault ? url : undefined
}

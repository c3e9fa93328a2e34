/**
 * Keys in a key store: a KMS or an HSM. The package that talks to it is loaded when a key is first
 * needed, so that the start of the app waits for nothing.
 *
 * @module
 */

import { KeyError } from '../errors.ts'
import type { KeySettings } from './key-settings.ts'
import { keyStores } from './key-stores.ts'
import type { KeySource } from './signer.ts'

/** Where a key is in a key store, as its URI says. */
export interface KeyPlace {
  /** The URI without its parameters. */
  readonly name: string
  /** What the URI names: the key, and what it is in. */
  readonly parts: Readonly<Record<string, string>>
  /** Seconds from the making of a new version until it signs. */
  readonly wait?: number | undefined
  /** The parameters that only this key store has. */
  readonly parameters: Readonly<Record<string, string>>
}

/** What the module of a key store exports for key URIs. */
export interface KeyStoreModule {
  createUriKeySource(place: KeyPlace, settings: KeySettings): KeySource
}

/** Creates the source of the keys in a key store. Nothing is loaded or asked before keys are needed. */
export function createStoreKeySource(
  scheme: string,
  place: KeyPlace,
  settings: KeySettings,
): KeySource {
  let opening: Promise<KeySource> | undefined

  async function open(): Promise<KeySource> {
    const keyStore = await loadKeyStore(scheme)
    return keyStore.createUriKeySource(place, settings)
  }

  return {
    name: place.name,
    notBefore: settings.notBefore,
    async keys(request) {
      opening ??= open().catch((error: unknown) => {
        opening = undefined
        throw error
      })
      return (await opening).keys(request)
    },
    async close() {
      const source = await opening?.catch(() => undefined)
      await source?.close?.()
    },
  }
}

const keyStorePackage = '@countersign/kms'

async function loadKeyStore(scheme: string): Promise<KeyStoreModule> {
  const keyStore = keyStores[scheme]
  try {
    return await import(/* @vite-ignore */ `${keyStorePackage}/${keyStore?.module}`)
  } catch (cause) {
    const message = `"${scheme}:" keys need the package "${keyStorePackage}": npm install ${keyStorePackage}`
    throw new KeyError('ERR_KEY_UNAVAILABLE', message, { cause })
  }
}

/**
 * Keys in Google Cloud KMS.
 *
 * @see https://cloud.google.com/kms/docs/create-validate-signatures
 *
 * @module
 */

import type { KeyPlace, KeySettings, KeySource } from '@countersign/core/keys'
import type { GoogleKmsClient } from './gcp/call.ts'
import { createGoogleStore } from './gcp/store.ts'
import { createKeyStoreSource, type KeyStoreSettings } from './store/key-source.ts'
import { loadPeer } from './store/peer.ts'

export type { GoogleKmsClient } from './gcp/call.ts'

/** A key in Google Cloud KMS. */
export interface GoogleKmsOptions
  extends Pick<KeyStoreSettings, 'alg' | 'kid' | 'notBefore' | 'notAfter' | 'wait' | 'renewAfter'> {
  /**
   * The resource name: `projects/P/locations/L/keyRings/R/cryptoKeys/K`, and all versions sign in their
   * turn; or with `/cryptoKeyVersions/N` behind it, and only this one does. An explicit `kid` needs that.
   */
  readonly name: string
  /**
   * A `KeyManagementServiceClient`, over gRPC or REST, which the caller closes. Default: a new one with
   * the Application Default Credentials.
   */
  readonly client?: GoogleKmsClient | undefined
}

const resourceName =
  /^(projects\/[\w.:-]+\/locations\/[\w-]+\/keyRings\/[\w-]+\/cryptoKeys\/[\w-]+)(?:\/cryptoKeyVersions\/(\d+))?$/

/**
 * Creates the source of a key in Google Cloud KMS. Nothing is asked before the key is needed.
 *
 * @example
 * googleKms({ name: 'projects/acme/locations/europe-west3/keyRings/login/cryptoKeys/client' })
 */
export function googleKms({ name, client, ...settings }: GoogleKmsOptions): KeySource {
  const [, key, version] = resourceName.exec(name) ?? []
  if (key === undefined) {
    throw new TypeError(
      '"name" must be projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY, with ' +
        '/cryptoKeyVersions/N or without',
    )
  }
  if (settings.kid !== undefined && version === undefined) {
    throw new TypeError('"kid" names one key for ever: name its version too')
  }
  return createSource({ key, version, client }, { ...settings, name: `gcpkms://${name}` })
}

/** Creates the source of the key that a `gcpkms:` URI names. */
export function createUriKeySource(place: KeyPlace, settings: KeySettings): KeySource {
  const { name: key = '', version } = place.parts
  return createSource(
    { key, version, client: undefined },
    { ...settings, wait: place.wait, name: place.name },
  )
}

interface Place {
  readonly key: string
  readonly version: string | undefined
  readonly client: GoogleKmsClient | undefined
}

function createSource({ key, version, client }: Place, settings: KeyStoreSettings): KeySource {
  return createKeyStoreSource(async () => {
    if (client) {
      const store = createGoogleStore({ key, version, createClient: () => client })
      return { ...store, async close() {} }
    }
    const { KeyManagementServiceClient } = await loadPeer(
      '@google-cloud/kms',
      () => import('@google-cloud/kms'),
    )
    const createClient = () => new KeyManagementServiceClient()
    return createGoogleStore({ key, version, createClient })
  }, settings)
}

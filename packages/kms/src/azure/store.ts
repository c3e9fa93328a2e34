/**
 * A key in Azure Key Vault or in a Managed HSM as a key store.
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/keys/sign/sign
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { KeyProperties } from '@azure/keyvault-keys'
import { algorithms, KeyError } from '@countersign/core/keys'
import { type KeyStore, type KeyVersion, StoreFault } from '../store/key-store.ts'
import { readAnswer } from './answer.ts'
import { type AzureConnection, createAzureClients } from './clients.ts'
import { readKeyVersion, readTimes } from './key.ts'
import { readAzureFailure } from './refusal.ts'

/** Where a key is. */
export interface AzureKeyPlace extends AzureConnection {
  /** The key's name. */
  readonly name: string
  /** The version; without it, all that are enabled. */
  readonly version?: string | undefined
}

const concurrency = 16
/** In no order of time, so that none can be left out unseen. */
const maxListed = 500
/** Rotation disables no version: a key gets more and more of them, and the old ones are long over. */
const maxVersions = 10

/** Opens the key store of one key. */
export async function openAzureStore(place: AzureKeyPlace): Promise<KeyStore> {
  const { vaultUrl, name, version: pinned } = place
  const clients = await createAzureClients(place)
  const { keys } = clients
  const buildRef = (version: string) => `${vaultUrl}/keys/${name}/${version}`

  async function readVersion(version: string, signal: AbortSignal): Promise<KeyVersion> {
    // One of its own: a client listens to it, and ten at once are a warning of Node's
    const abortSignal = AbortSignal.any([signal])
    const key = await keys.getKey(name, { version, abortSignal })
    const ref = buildRef(key.properties.version ?? version)
    if (key.properties.enabled === false) throw new StoreFault('disabled', `${ref} is disabled`)
    return readKeyVersion(ref, key)
  }

  async function listVersions(abortSignal: AbortSignal): Promise<readonly KeyProperties[]> {
    const listed: KeyProperties[] = []
    for await (const properties of keys.listPropertiesOfKeyVersions(name, { abortSignal })) {
      listed.push(properties)
      if (listed.length > maxListed) {
        const message = `${name} in ${vaultUrl} has more than ${maxListed} versions: name the version`
        throw new KeyError('ERR_KEY_UNAVAILABLE', message)
      }
    }
    // Of a key that is not there the list is empty, and says nothing more
    if (listed.length === 0) listed.push((await keys.getKey(name, { abortSignal })).properties)
    return listed
  }

  return {
    concurrency,
    readFailure: readAzureFailure,

    async readVersions({ known, signal }) {
      if (pinned !== undefined) return [await readVersion(pinned, signal)]
      const listed = await listVersions(signal)
      const enabled = listed
        .filter(({ enabled = true }) => enabled)
        .toSorted((a, b) => (readTimes(b).createdAt ?? 0) - (readTimes(a).createdAt ?? 0))
        .slice(0, maxVersions)
      const read = enabled.map(async (properties): Promise<KeyVersion | StoreFault> => {
        const { version = '' } = properties
        const last = known.get(buildRef(version))
        if (last) return { ...last, ...readTimes(properties) }
        try {
          return await readVersion(version, signal)
        } catch (error) {
          if (error instanceof StoreFault && isOfVersion(error)) return error
          throw error
        }
      })
      return pickVersions(await Promise.all(read))
    },

    async sign({ ref }, { alg, data, signal }) {
      const { digest } = algorithms[alg]
      if (digest === null) throw new StoreFault('unsupported-algorithm', `${alg} takes no digest`)
      const version = ref.slice(ref.lastIndexOf('/') + 1)
      let used: string | undefined
      const { result } = await clients
        .openVersion(name, version)
        .sign(alg, createHash(digest).update(data).digest(), {
          abortSignal: signal,
          // The id in the client's result is the one that the client was created with
          onResponse({ bodyAsText }) {
            used = readAnswer(bodyAsText, 'kid')
          },
        })
      if (used?.endsWith(`/${version}`)) return result
      throw new StoreFault('bad-signature', `${ref} was to sign, and another key did`)
    },
  }
}

/** Whether it is a fault of one version, and not of the vault or of who asks. */
function isOfVersion({ reason }: StoreFault): boolean {
  return reason === 'unsupported-algorithm' || reason === 'disabled' || reason === 'not-found'
}

/** One version that cannot sign is no reason not to use the others. */
function pickVersions(read: readonly (KeyVersion | StoreFault)[]): readonly KeyVersion[] {
  const versions = read.flatMap((one) => (one instanceof StoreFault ? [] : [one]))
  const fault = read.find((one) => one instanceof StoreFault)
  if (versions.length === 0 && fault) throw fault
  return versions
}

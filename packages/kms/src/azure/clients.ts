/**
 * The clients of Azure Key Vault: one that reads keys, and one for each version that signs.
 *
 * @module
 */

import type { CryptographyClient, KeyClient, KeyClientOptions } from '@azure/keyvault-keys'
import { waitUntilAborted } from '@countersign/core/keys'
import { deadline } from '../store/call.ts'
import { StoreFault } from '../store/key-store.ts'
import { loadPeer } from '../store/peer.ts'
import { createRefusalPolicy } from './refusal.ts'

/** What Azure's own packages call a credential: an object with `getToken`. */
export type AzureCredential = ConstructorParameters<typeof KeyClient>[1]

/** How the vault is reached. */
export interface AzureConnection {
  /** The origin of the vault. */
  readonly vaultUrl: string
  readonly credential?: AzureCredential | undefined
  readonly clientOptions?: KeyClientOptions | undefined
}

/** The clients. */
export interface AzureClients {
  readonly keys: KeyClient
  /** The client that signs with one version. */
  openVersion(name: string, version: string): CryptographyClient
}

/** Loads the packages of Azure and creates the clients. Nothing is asked. */
export async function createAzureClients(connection: AzureConnection): Promise<AzureClients> {
  const { vaultUrl, clientOptions } = connection
  const all = `@azure/keyvault-keys${connection.credential ? '' : ' @azure/identity'}`
  const sdk = await loadPeer('@azure/keyvault-keys', () => import('@azure/keyvault-keys'), all)
  const credential = await createCredential(connection)

  // Each client writes into its options
  const buildOptions = (): KeyClientOptions => ({
    ...clientOptions,
    additionalPolicies: [
      ...(clientOptions?.additionalPolicies ?? []),
      { policy: createRefusalPolicy(vaultUrl), position: 'perCall' },
    ],
    // A client would wait for as long as the vault says, and a timeout would hide why. Who calls asks again
    retryOptions: { maxRetries: 0 },
    // The token is for the vault, and for nobody that it names
    redirectOptions: { maxRetries: 0 },
  })

  const versions = new Map<string, CryptographyClient>()

  return {
    keys: new sdk.KeyClient(vaultUrl, credential, buildOptions()),
    openVersion(name, version) {
      const id = `${vaultUrl}/keys/${name}/${version}`
      const known = versions.get(id)
      if (known) return known
      // Given an id alone, the client fetches the key once, and holds against it for ever what its
      // attributes were then, by this machine's clock. Whether a version may sign is the vault's to say
      const key = { id, name, properties: { id, name, version, vaultUrl } }
      const client = new sdk.CryptographyClient(key, credential, buildOptions())
      versions.set(id, client)
      return client
    },
  }
}

async function createCredential({ credential }: AzureConnection): Promise<AzureCredential> {
  if (credential) {
    return withFaults(credential, 'see what the "credential" that was passed says')
  }
  const identity = await loadPeer('@azure/identity', () => import('@azure/identity'))
  const remedy =
    'set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or give the machine a managed ' +
    'identity, or pass a "credential"'
  return withFaults(new identity.DefaultAzureCredential(), remedy)
}

const lateRemedy =
  'the credential gave no token in time: check what it asks, and the network to that'

/** Milliseconds for a token: fewer than for the whole, so that it shows who was waited for. */
const tokenDeadline = deadline - 1000

/** A credential of which every failure is told as one, whatever it throws. */
function withFaults(credential: AzureCredential, remedy: string): AzureCredential {
  return {
    async getToken(scopes, options) {
      const late = AbortSignal.timeout(tokenDeadline)
      try {
        const token = await waitUntilAborted(credential.getToken(scopes, options), late)
        if (token) return token
      } catch (error) {
        if (options?.abortSignal?.aborted) throw error
        if (late.aborted) throw new StoreFault('timeout', 'the credential is late', lateRemedy)
        const said = error instanceof Error ? `${error.name}: ${error.message}` : typeof error
        throw new StoreFault('credentials', said, remedy)
      }
      throw new StoreFault('credentials', 'the credential gave no token', remedy)
    },
  }
}

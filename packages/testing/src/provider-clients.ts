/**
 * The Relying Parties that the local provider knows, and how it gets their public keys.
 *
 * @module
 */

import type { JWK } from 'jose'
import {
  buildMetadata,
  type ClientMetadata,
  type IdTokenAlgorithm,
  type ProviderClient,
} from './provider-client.ts'
import { fetchKeys, nameKeys, readKeys } from './registered-keys.ts'
import type { Storage } from './storage.ts'

/** The clients of one provider. */
export interface ProviderClients {
  /** Registers a client, or replaces the one with this `clientId`. */
  add(client: ProviderClient): Promise<void>
  find(clientId: string): ProviderClient | undefined
  /**
   * The client's public keys; the JWK Set of a `jwksUri` is fetched again when `kid` is unknown.
   * `undefined` for an unknown client.
   */
  keysFor(clientId: string, kid: string | undefined): Promise<readonly JWK[] | undefined>
}

/** How clients are taken in. */
export interface ClientRegistration {
  /**
   * Reads the keys that come with the registration.
   *
   * @throws TypeError for a client that is not taken
   */
  readKeys(client: ProviderClient): Promise<readonly JWK[]>
  /** Reads the algorithm of what is signed for a client. */
  readIdTokenAlg(client: ProviderClient): IdTokenAlgorithm
  /** Builds what oidc-provider is told, now and whenever other keys were fetched. */
  buildMetadata(client: ProviderClient, keys: readonly JWK[]): ClientMetadata
}

/** Takes everything that oidc-provider takes, and names keys that have no name by their thumbprint. */
export const plainRegistration: ClientRegistration = {
  readKeys: async (client) => (client.jwks ? readKeys(client) : nameKeys(readKeys(client))),
  readIdTokenAlg: ({ idTokenAlg }) => idTokenAlg ?? 'RS256',
  buildMetadata,
}

/** Creates the registry, which writes into the provider's storage. */
export function createProviderClients(
  storage: Storage,
  registration: ClientRegistration,
): ProviderClients {
  const registered = new Map<string, { client: ProviderClient; keys: readonly JWK[] }>()
  const adapter = storage.adapter('Client')

  async function save(client: ProviderClient, keys: readonly JWK[]): Promise<void> {
    registered.set(client.clientId, { client, keys })
    const metadata = Object.entries(registration.buildMetadata(client, keys))
    const given = metadata.filter(([, value]) => value !== undefined)
    await adapter.upsert(client.clientId, Object.fromEntries(given))
  }

  return {
    async add(client) {
      if (client.redirectUris.length === 0) {
        throw new TypeError('"redirectUris" must name at least one URL')
      }
      checkFrontchannelLogoutUri(client)
      await save(client, await registration.readKeys(client))
    },

    find: (clientId) => registered.get(clientId)?.client,

    async keysFor(clientId, kid) {
      const known = registered.get(clientId)
      if (known === undefined) return undefined
      const { client, keys } = known
      if (client.jwksUri === undefined || keys.some((key) => key.kid === kid)) return keys
      const fetched = await fetchKeys(client.jwksUri)
      await save(client, fetched)
      return fetched
    },
  }
}

/** @see OpenID Connect Front-Channel Logout 1.0, 2 */
function checkFrontchannelLogoutUri(client: ProviderClient): void {
  const { frontchannelLogoutUri, redirectUris } = client
  if (frontchannelLogoutUri === undefined) return
  const { origin } = new URL(frontchannelLogoutUri)
  const isOrigin = (uri: string): boolean => URL.canParse(uri) && new URL(uri).origin === origin
  if (redirectUris.some(isOrigin)) return
  throw new TypeError('"frontchannelLogoutUri" must have the origin of one of the "redirectUris"')
}

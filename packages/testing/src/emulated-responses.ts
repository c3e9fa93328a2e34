/**
 * How an emulator signs and encrypts what it answers a client: ID Tokens and UserInfo.
 *
 * @see OpenID Connect Dynamic Client Registration 1.0, 2
 *
 * @module
 */

import type { Preset } from '@countersign/core'
import type { JWK } from 'jose'
import type {
  ClientMetadata,
  IdTokenAlgorithm,
  ProviderClient,
  ResponseEncryption,
} from './provider-client.ts'

const localAlgorithms: readonly IdTokenAlgorithm[] = ['RS256', 'PS256', 'ES256', 'EdDSA']

/** Reads the algorithm that ID Tokens are signed with. */
export function readIdTokenAlg(
  { idTokenAlg }: ProviderClient,
  { idTokenAlgs }: Preset,
): IdTokenAlgorithm {
  const documented = idTokenAlgs?.flatMap((alg) => localAlgorithms.filter((own) => own === alg))
  return idTokenAlg ?? documented?.[0] ?? 'RS256'
}

/** Builds the metadata: oidc-provider gets keys to encrypt for, and has nothing to verify. */
export function buildResponses(
  client: ProviderClient,
  keys: readonly JWK[],
  preset: Preset,
): ClientMetadata {
  const { jwksUri, userInfoAlg } = client
  const documented = findEncryption(keys, preset)
  const idToken = client.idTokenEncryption ?? (preset.isIdTokenEncrypted ? documented : undefined)
  const userInfo =
    client.userInfoEncryption ?? (preset.userInfo === 'encrypted_jwt' ? documented : undefined)
  const isEncrypted = (idToken ?? userInfo) !== undefined
  const set = jwksUri === undefined ? { jwks: { keys } } : { jwks_uri: jwksUri }
  return {
    jwks: undefined,
    jwks_uri: undefined,
    ...(isEncrypted && set),
    id_token_encrypted_response_alg: idToken?.alg,
    id_token_encrypted_response_enc: idToken?.enc,
    userinfo_signed_response_alg:
      userInfoAlg ?? (preset.userInfo && readIdTokenAlg(client, preset)),
    userinfo_encrypted_response_alg: userInfo?.alg,
    userinfo_encrypted_response_enc: userInfo?.enc,
  }
}

/** Finds how responses can be encrypted for one of a client's keys, as the provider's documents have it. */
export function findEncryption(
  keys: readonly JWK[],
  { encryption }: Pick<Preset, 'encryption'>,
): ResponseEncryption | undefined {
  const { algs = usualAlgs, enc } = encryption ?? {}
  for (const { use, kty, alg: own } of keys) {
    if (use !== 'enc') continue
    const fitting = algs.filter((alg) => alg.startsWith('RSA') === (kty === 'RSA'))
    const alg = own === undefined ? fitting[0] : fitting.find((each) => each === own)
    // What no document says, any key may say of itself
    const chosen = alg ?? (encryption === undefined ? own : undefined)
    if (chosen !== undefined) return { alg: chosen, ...(enc !== undefined && { enc }) }
  }
  return undefined
}

const usualAlgs: readonly string[] = ['RSA-OAEP-256', 'ECDH-ES+A256KW']

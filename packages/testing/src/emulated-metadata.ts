/**
 * The metadata of an emulator: what they say is what its provider accepts.
 *
 * @see OpenID Connect Discovery 1.0, 3
 *
 * @module
 */

import type { Preset } from '@countersign/core'

/** Builds the metadata of an emulator from those that oidc-provider has. */
export function buildEmulatedMetadata(
  preset: Preset,
  metadata: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { clientAuth, assertion, authorization, acr, logout } = preset
  const methods = clientAuth.map((method) =>
    method === 'signed_client_secret' ? 'client_secret_post' : method,
  )
  const isSigned = clientAuth.includes('private_key_jwt')
  const { refusedScopes = [], responseModes, prompts, isPushRefused } = authorization ?? {}
  const scopes = metadata['scopes_supported']
  const lacks = (kind: 'rp-initiated' | 'back-channel' | 'front-channel') =>
    logout !== undefined && !logout.includes(kind)
  const changed = {
    ...metadata,
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: isSigned ? assertion?.algs : undefined,
    ...(Array.isArray(scopes) && {
      scopes_supported: scopes.filter((scope) => !refusedScopes.includes(scope)),
    }),
    ...(responseModes && { response_modes_supported: responseModes }),
    ...(prompts && { prompt_values_supported: prompts }),
    ...(acr?.levels && { acr_values_supported: acr.levels }),
    ...(isPushRefused && { pushed_authorization_request_endpoint: undefined }),
    ...(preset.isIdTokenEncrypted && listEncryption('id_token', preset)),
    ...(preset.userInfo === 'encrypted_jwt' && listEncryption('userinfo', preset)),
    ...(lacks('rp-initiated') && { end_session_endpoint: undefined }),
    ...(lacks('back-channel') && {
      backchannel_logout_supported: undefined,
      backchannel_logout_session_supported: undefined,
    }),
    ...(lacks('front-channel') && {
      frontchannel_logout_supported: undefined,
      frontchannel_logout_session_supported: undefined,
    }),
  }
  return Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined))
}

function listEncryption(what: 'id_token' | 'userinfo', { encryption }: Preset): object {
  if (encryption === undefined) return {}
  const { algs, enc } = encryption
  return {
    [`${what}_encryption_alg_values_supported`]: algs,
    ...(enc !== undefined && { [`${what}_encryption_enc_values_supported`]: [enc] }),
  }
}

import { type Preset, presets } from '@countersign/core'
import { expect, test } from 'vitest'
import { buildEmulatedMetadata } from '../src/emulated-metadata.ts'

/** What oidc-provider says, in short. */
const metadata = {
  scopes_supported: ['openid', 'profile', 'email'],
  end_session_endpoint: 'http://localhost:9/logout',
  pushed_authorization_request_endpoint: 'http://localhost:9/par',
  backchannel_logout_supported: true,
  backchannel_logout_session_supported: true,
  frontchannel_logout_supported: true,
  frontchannel_logout_session_supported: true,
  token_endpoint_auth_signing_alg_values_supported: ['HS256', 'RS256', 'ES256'],
  id_token_encryption_alg_values_supported: ['RSA-OAEP', 'ECDH-ES+A256KW'],
  id_token_encryption_enc_values_supported: ['A128CBC-HS256', 'A256GCM'],
}

const build = (preset: Preset) => buildEmulatedMetadata(preset, metadata)

const { jiko, auth0, okta, apple, google, criipto, itsme } = presets
const { 'govuk-one-login': govuk, 'france-connect': connect } = presets
const { 'france-connect-plus': connectPlus } = presets

test.each<[Preset, readonly string[]]>([
  // No document speaks of logout
  [jiko, ['end_session', 'backchannel', 'frontchannel']],
  [auth0, ['end_session', 'backchannel']],
  [okta, ['end_session', 'frontchannel']],
  [connect, ['end_session']],
  [apple, []],
  [google, []],
])('$name: the metadata have the kinds of logout that there are', (preset, kinds) => {
  const has = (kind: string) => Object.keys(build(preset)).some((name) => name.startsWith(kind))
  expect(['end_session', 'backchannel', 'frontchannel'].filter(has)).toEqual(kinds)
})

test('scopes that are refused are not listed', () => {
  expect(build(govuk)).toMatchObject({ scopes_supported: ['openid', 'email'] })
  expect(build(jiko)).toMatchObject({ scopes_supported: ['openid', 'profile', 'email'] })
})

test('algorithms of client assertions are listed where there are such', () => {
  const name = 'token_endpoint_auth_signing_alg_values_supported'
  expect(build(jiko)).toMatchObject({ [name]: ['PS256', 'EdDSA'] })
  expect(build(apple)).not.toHaveProperty(name)
  expect(build(google)).not.toHaveProperty(name)
})

test('there is no endpoint for pushed requests where there are none', () => {
  const name = 'pushed_authorization_request_endpoint'
  expect(build(connect)).not.toHaveProperty(name)
  expect(build(connectPlus)).not.toHaveProperty(name)
  expect(build(jiko)).toHaveProperty(name)
})

test('encryption is as the documents have it, and otherwise as oidc-provider has it', () => {
  expect(build(connectPlus)).toMatchObject({
    id_token_encryption_alg_values_supported: ['ECDH-ES', 'RSA-OAEP', 'RSA-OAEP-256'],
    id_token_encryption_enc_values_supported: ['A256GCM'],
  })
  expect(build(connectPlus)).not.toHaveProperty('userinfo_encryption_alg_values_supported')
  expect(build(itsme)).toMatchObject({
    id_token_encryption_alg_values_supported: ['RSA-OAEP', 'RSA-OAEP-256'],
    userinfo_encryption_alg_values_supported: ['RSA-OAEP', 'RSA-OAEP-256'],
    id_token_encryption_enc_values_supported: ['A128CBC-HS256', 'A256GCM'],
  })
  expect(build(criipto)).toMatchObject({
    id_token_encryption_alg_values_supported: ['RSA-OAEP', 'ECDH-ES+A256KW'],
  })
})

import * as client from 'openid-client'
import { expect, test } from 'vitest'
import { createProvider } from '../../src/provider/discovery.ts'

const issuer = 'https://op.example'

test.each<[string, object, readonly string[] | undefined, readonly string[]]>([
  ['those of ID Tokens', {}, undefined, ['RS256']],
  [
    'those of ID Tokens, without those with a secret',
    { id_token_signing_alg_values_supported: ['none', 'HS256', 'ES256'] },
    undefined,
    ['ES256'],
  ],
  ['those that are named for ID Tokens', {}, ['PS256'], ['PS256']],
  ['none, where ID Tokens are signed with the client secret', {}, ['HS256'], []],
  [
    'those of ID Tokens, where the metadata have nonsense',
    { userinfo_signing_alg_values_supported: 'RS256' },
    ['ES256'],
    ['ES256'],
  ],
  [
    'those of the metadata, if a key of the provider verifies them',
    { userinfo_signing_alg_values_supported: ['none', 'HS512', 5, 'EdDSA'] },
    undefined,
    ['EdDSA'],
  ],
])('the algorithms of signed UserInfo are %s', async (_name, more, idTokenAlgs, expected) => {
  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    ...more,
  }
  const provider = createProvider({
    issuer,
    clientId: 'app',
    clientAuth: client.None(),
    idTokenAlgs,
    hasAsymmetricIdTokens: true,
    clockTolerance: 0,
    fetch: async () => Response.json(metadata),
    clock: { now: () => 0 },
    emit: () => undefined,
  })
  const { userinfo_signing_alg_values_supported } = await provider.metadata()
  expect(userinfo_signing_alg_values_supported).toEqual(expected)
})

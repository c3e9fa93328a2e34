import * as oidc from 'openid-client'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  type GeneratedClientKey,
  generateClientKey,
  type Provider,
  type SeenTokenRequest,
  startProvider,
} from '../src/index.ts'
import { discover, login, redirectUri } from './app.ts'

let key: GeneratedClientKey
let provider: Provider
let config: oidc.Configuration
let seenBefore = 0

beforeAll(async () => {
  key = await generateClientKey()
  provider = await startProvider({
    interaction: 'auto',
    tokens: { accessTokenTtl: 5, refreshTokens: 'always' },
    clients: [{ clientId: 'app', jwks: key.jwks, redirectUris: [redirectUri] }],
  })
  config = await discover(provider, key)
})

beforeEach(() => {
  seenBefore = provider.tokenRequests.length
})

afterAll(() => provider.close())

const seen = (): readonly SeenTokenRequest[] => provider.tokenRequests.slice(seenBefore)

async function signIn(): Promise<oidc.TokenEndpointResponse> {
  const scope = 'openid profile email offline_access'
  return (await login(config, { scope })).redeem()
}

test('with "always", offline_access needs no prompt=consent', async () => {
  const tokens = await signIn()
  expect(tokens.refresh_token).toEqual(expect.any(String))
  expect(tokens.expires_in).toBe(5)
})

test('a refresh token is used once: its reuse revokes what came of it', async () => {
  const first = await signIn()
  const second = await oidc.refreshTokenGrant(config, first.refresh_token ?? '')
  expect(second.refresh_token).not.toBe(first.refresh_token)
  const refused = { error: 'invalid_grant' }
  await expect(oidc.refreshTokenGrant(config, first.refresh_token ?? '')).rejects.toMatchObject({
    ...refused,
    error_description: 'refresh token already used',
  })
  await expect(oidc.refreshTokenGrant(config, second.refresh_token ?? '')).rejects.toMatchObject(
    refused,
  )
  const introspected = await oidc.tokenIntrospection(config, second.access_token)
  expect(introspected.active).toBe(false)
  expect(seen()).toEqual([
    { grantType: 'authorization_code', clientId: 'app' },
    { grantType: 'refresh_token', clientId: 'app' },
    expect.objectContaining({ error: 'invalid_grant', refusal: 'refresh token already used' }),
    expect.objectContaining({ error: 'invalid_grant', refusal: 'refresh token not found' }),
  ])
})

test('of many that use one refresh token at once, a single one succeeds', async () => {
  const { refresh_token = '' } = await signIn()
  const refreshes = Array.from({ length: 10 }, () => oidc.refreshTokenGrant(config, refresh_token))
  const outcomes = await Promise.allSettled(refreshes)
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const refreshed = seen().filter(({ grantType }) => grantType === 'refresh_token')
  expect(refreshed).toHaveLength(10)
  expect(refreshed.filter(({ error }) => error === undefined)).toHaveLength(1)
})

test('refresh tokens outlive a session that is signed out, unless they are revoked', async () => {
  const { refresh_token = '' } = await signIn()
  await provider.signOut('ada')
  const tokens = await oidc.refreshTokenGrant(config, refresh_token)
  expect(tokens.claims()?.sub).toBe('ada')
  await provider.signOut('ada', { revokeTokens: true })
  const refused = oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
  await expect(refused).rejects.toMatchObject({ error: 'invalid_grant' })
  expect((await oidc.tokenIntrospection(config, tokens.access_token)).active).toBe(false)
})

test('a request with a wrong client assertion is recorded too', async () => {
  const client_assertion = `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from(
    '{"iss":"app"}',
  ).toString('base64url')}.c2ln`
  const response = await fetch(`${provider.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion,
    }),
  })
  expect(response.status).toBe(401)
  expect(seen()).toEqual([
    {
      grantType: 'refresh_token',
      clientId: 'app',
      error: 'invalid_client',
      refusal: 'client assertion: sub must equal iss, the client_id',
    },
  ])
})

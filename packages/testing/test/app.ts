/**
 * A client of the local provider for these tests, driven by hand with openid-client.
 *
 * @module
 */

import { importPKCS8 } from 'jose'
import * as oidc from 'openid-client'
import { createUserAgent, type Page, type UserAgent } from '../../../test/support/user-agent.ts'
import type { GeneratedClientKey, Provider } from '../src/index.ts'

export const redirectUri = 'http://localhost:9/callback'
export const postLogoutRedirectUri = 'http://localhost:9/'

/** A login that ended at the app's door. */
export interface Login {
  readonly page: Page
  readonly callback: URL
  /** Redeems the code. */
  redeem(): ReturnType<typeof oidc.authorizationCodeGrant>
}

/** Discovers the provider as the client `app`. */
export async function discover(
  provider: Provider,
  key: GeneratedClientKey,
  metadata: Partial<oidc.ClientMetadata> = {},
): Promise<oidc.Configuration> {
  const privateKey = await importPKCS8(key.privateKeyPem, key.alg)
  const authentication = oidc.PrivateKeyJwt(
    { key: privateKey, kid: key.kid },
    {
      [oidc.modifyAssertion]: (_header, payload) => {
        payload['aud'] = provider.issuer
      },
    },
  )
  const execute = [oidc.allowInsecureRequests]
  return oidc.discovery(new URL(provider.issuer), 'app', metadata, authentication, { execute })
}

/** Logs in as far as the redirect to the app, which does not exist. */
export async function login(
  config: oidc.Configuration,
  params: Record<string, string> = {},
  { agent = createUserAgent(), isPushed = false }: { agent?: UserAgent; isPushed?: boolean } = {},
): Promise<Login> {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const expectedState = oidc.randomState()
  const expectedNonce = oidc.randomNonce()
  const request = {
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
    ...params,
  }
  const url = isPushed
    ? await oidc.buildAuthorizationUrlWithPAR(config, request)
    : oidc.buildAuthorizationUrl(config, request)
  const page = await visit(agent, url.href)
  const callback = new URL(page.history.at(-1)?.location ?? page.url)
  const checks = { pkceCodeVerifier, expectedState, expectedNonce }
  return { page, callback, redeem: () => oidc.authorizationCodeGrant(config, callback, checks) }
}

/** Follows redirects up to the one that leaves the provider. */
export async function visit(agent: UserAgent, url: string): Promise<Page> {
  const history = []
  let page = await agent.navigate(url, { follow: false, autoSubmit: false })
  history.push(...page.history)
  for (let hops = 0; hops < 20; hops++) {
    const location = page.history.at(-1)?.location
    if (location === undefined) break
    const target = new URL(location, page.url)
    if (target.port === '9') break
    page = await agent.navigate(target.href, { follow: false, autoSubmit: false })
    history.push(...page.history)
  }
  return { ...page, history }
}

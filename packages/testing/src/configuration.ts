/**
 * How oidc-provider is set up to be a pleasant local provider: every feature a Relying Party meets,
 * consent given by signing in, and nothing printed.
 *
 * @module
 */

/// <reference path="./oidc-provider.d.ts" />
import type { JWK } from 'jose'
import { base, Check, Prompt } from 'oidc-provider/lib/helpers/interaction_policy/index.js'
import type { Client, Context, Grant, Provider } from 'oidc-provider/lib/provider.js'
import { type Account, scopeClaims } from './account.ts'
import type { ExtraParameters } from './emulated-authorization.ts'
import { endpointPaths } from './endpoint-paths.ts'
import { frontChannelClientMetadata, frontChannelMetadata } from './front-channel-logout.ts'
import { maxJwkSet } from './registered-keys.ts'
import { readRequestedAcr } from './requested-acr.ts'
import type { Storage } from './storage.ts'
import type { TokenOptions } from './token-options.ts'

/** What the configuration is built from. */
export interface ConfigurationParts {
  readonly keys: readonly JWK[]
  readonly storage: Storage
  readonly cookieKeys: readonly string[]
  /** Sets this provider's cookies apart from those of an app on the same host. */
  readonly cookiePrefix: string
  /** The path that all others are below; empty where there is none. */
  readonly mountPath: string
  /** Parameters of Authentication Requests beyond those oidc-provider knows. */
  readonly extraParameters: ExtraParameters
  /** `prompt` values beyond those oidc-provider knows; a sign-in answers them. */
  readonly prompts: readonly string[]
  readonly tokens: TokenOptions
  readonly acrValues: readonly string[]
  readonly findAccount: (sub: string) => Account | undefined
  /** The engine itself, once it is made. */
  readonly engine: () => Provider
  readonly pages: {
    readonly error: (ctx: Context, error: { error: string; error_description?: string }) => void
    readonly confirmLogout: (ctx: Context, form: string) => void
    readonly loggedOut: (ctx: Context) => void
  }
}

/** Builds oidc-provider's configuration. */
export function buildConfiguration(parts: ConfigurationParts): object {
  const { tokens, cookiePrefix, pages } = parts
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true }
  return {
    adapter: parts.storage.adapter,
    jwks: { keys: parts.keys },
    routes: endpointPaths,
    cookies: {
      keys: parts.cookieKeys,
      names: {
        session: `${cookiePrefix}session`,
        interaction: `${cookiePrefix}interaction`,
        resume: `${cookiePrefix}resume`,
      },
      long: cookie,
      short: cookie,
    },
    acrValues: parts.acrValues,
    claims: scopeClaims,
    extraParams: parts.extraParameters,
    scopes: ['openid', 'offline_access'],
    discovery: frontChannelMetadata,
    extraClientMetadata: { properties: [...frontChannelClientMetadata] },
    // Name and e-mail belong in the ID Token: most apps show them, and few fetch UserInfo.
    conformIdTokenClaims: false,
    clientBasedCORS: () => false,
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      introspection: {
        enabled: true,
        allowedPolicy: async (_ctx: Context, client: Client, token: { clientId?: string }) =>
          client.clientId === token.clientId,
      },
      revocation: {
        enabled: true,
        allowedPolicy: async (_ctx: Context, client: Client, token: { clientId?: string }) =>
          client.clientId === token.clientId,
      },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: { enabled: false },
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      dPoP: { enabled: true },
      encryption: { enabled: true },
      jwtUserinfo: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (ctx: Context, form: string) => pages.confirmLogout(ctx, form),
        postLogoutSuccessSource: async (ctx: Context) => pages.loggedOut(ctx),
      },
    },
    ttl: {
      AccessToken: tokens.accessTokenTtl ?? 3600,
      AuthorizationCode: 60,
      IdToken: tokens.idTokenTtl ?? 3600,
      RefreshToken: tokens.refreshTokenTtl ?? 14 * 86_400,
      Interaction: 3600,
      Session: 14 * 86_400,
      Grant: 14 * 86_400,
    },
    rotateRefreshToken: tokens.rotateRefreshTokens ?? true,
    enabledJWA: {
      clientAuthSigningAlgValues: [...clientAuthAlgorithms],
      idTokenEncryptionAlgValues: [...encryptionAlgorithms],
      userinfoEncryptionAlgValues: [...encryptionAlgorithms],
    },
    expiresWithSession: async () => false,
    issueRefreshToken: async (_ctx: Context, client: Client, code: { scopes: Set<string> }) =>
      client.grantTypeAllowed('refresh_token') &&
      (tokens.refreshTokens === 'always' || code.scopes.has('offline_access')),
    interactions: {
      policy: buildPolicy(parts.prompts),
      url: async (_ctx: Context, { uid }: { uid: string }) => `${parts.mountPath}/sign-in/${uid}`,
    },
    loadExistingGrant: (ctx: Context) => loadGrant(ctx, parts.engine()),
    findAccount: async (_ctx: Context, sub: string) => {
      const account = parts.findAccount(sub)
      return account && { accountId: sub, claims: async () => ({ ...account.claims, sub }) }
    },
    renderError: async (ctx: Context, out: { error: string; error_description?: string }) =>
      pages.error(ctx, out),
    fetchResponseBodyLimits: { jwks_uri: maxJwkSet },
    // Other addresses are loopback here, which the default's guard against them would refuse.
    fetch: (url: string, { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown }) =>
      globalThis.fetch(url, options),
  }
}

/** More than oidc-provider's defaults: every algorithm that a client key may be for. */
const clientAuthAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'HS256'],
]

/** Those that need a key of the client's, and no secret that both have. */
const encryptionAlgorithms = [
  ...['RSA-OAEP', 'RSA-OAEP-256'],
  ...['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'],
]

/** The default policy, and a new login when the session's `acr` is not one of those asked for. */
function buildPolicy(prompts: readonly string[]): object {
  const policy = base()
  const isTooWeak = ({ oidc }: Context): boolean => {
    const wanted = readRequestedAcr(oidc?.params)
    if (wanted.length === 0 || oidc?.result?.login !== undefined) return false
    return !wanted.includes(oidc?.session?.acr ?? '')
  }
  policy
    .get('login')
    ?.checks.add(new Check('acr_values', 'a stronger authentication is required', isTooWeak))
  for (const name of prompts) policy.add(new Prompt({ name, requestable: true }), 0)
  return policy
}

/** Signing in is consent: what is asked for is granted, unless `prompt=consent` asks for a page. */
async function loadGrant({ oidc }: Context, engine: Provider): Promise<Grant | undefined> {
  const accountId = oidc?.session?.accountId
  const clientId = oidc?.client?.clientId
  if (oidc === undefined || accountId === undefined || clientId === undefined) return undefined
  const grantId = oidc.result?.consent?.grantId ?? oidc.session?.grantIdFor(clientId)
  const known = grantId === undefined ? undefined : await engine.Grant.find(grantId)
  const grant = known ?? new engine.Grant({ accountId, clientId })
  grant.addOIDCScope([...oidc.requestParamOIDCScopes, ...Object.keys(scopeClaims)].join(' '))
  grant.addOIDCClaims([...oidc.requestParamClaims])
  await grant.save()
  return grant
}

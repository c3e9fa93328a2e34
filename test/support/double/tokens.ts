/**
 * The double's token endpoint and what its tokens open: UserInfo, introspection, revocation.
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto'
import { type DoubleAnswer, type DoubleRequest, errorAnswer, jsonAnswer } from './answers.ts'
import type { DoubleAuthorization, DoubleGrant } from './authorization.ts'
import type { Behaviour, IdTokenBehaviour } from './behaviour.ts'
import { type SigningKey, signIdToken } from './signing.ts'

/** The token side of one double. */
export interface DoubleTokens {
  /** Answers the token endpoint for an authenticated client. */
  token(form: URLSearchParams, clientId: string, behave: Behaviour): Promise<DoubleAnswer>
  userinfo(request: DoubleRequest, behave: Behaviour): DoubleAnswer
  introspect(form: URLSearchParams, clientId: string): DoubleAnswer
  revoke(form: URLSearchParams, clientId: string, behave: Behaviour): DoubleAnswer
}

/** Creates it. */
export function createTokens(options: {
  readonly issuer: string
  readonly authorization: DoubleAuthorization
  readonly keys: () => readonly SigningKey[]
  readonly rotate: () => Promise<void>
}): DoubleTokens {
  const { issuer, authorization } = options
  const accessTokens = new Map<string, { grant: DoubleGrant; expiresAt: number }>()
  const refreshTokens = new Map<string, DoubleGrant>()

  async function issue(
    grant: DoubleGrant,
    behave: Behaviour,
    how: {
      refreshToken: string | undefined
      idToken: IdTokenBehaviour | undefined
      nonce?: string | undefined
    },
  ): Promise<DoubleAnswer> {
    if (behave.rotateBeforeSigning) await options.rotate()
    const access_token = randomBytes(24).toString('base64url')
    const now = Math.floor(Date.now() / 1000)
    accessTokens.set(access_token, { grant, expiresAt: now + behave.accessTokenTtl })
    const signed = how.idToken && buildIdToken(grant, { ...how, idToken: how.idToken, behave, now })
    const id_token = signed && ((await how.idToken?.wrap?.(signed)) ?? signed)
    const response: Record<string, unknown> = {
      access_token,
      token_type: 'Bearer',
      expires_in: behave.accessTokenTtl,
      scope: grant.scope,
      refresh_token: how.refreshToken,
      id_token,
    }
    return jsonAnswer(behave.tokens?.(response) ?? response)
  }

  function buildIdToken(
    grant: DoubleGrant,
    how: { idToken: IdTokenBehaviour; behave: Behaviour; now: number; nonce?: string | undefined },
  ): string | undefined {
    if (how.idToken.raw === false) return undefined
    const claims = {
      iss: issuer,
      sub: grant.sub,
      aud: grant.clientId,
      exp: how.now + 300,
      iat: how.now,
      auth_time: grant.authTime,
      nonce: how.nonce,
      acr: grant.acr,
      amr: grant.amr && [...grant.amr],
      sid: grant.sid,
      ...how.behave.claims,
    }
    const present = Object.fromEntries(
      Object.entries(claims).filter(([, value]) => value !== undefined),
    )
    return signIdToken(present, options.keys(), how.idToken)
  }

  function redeemCode(
    form: URLSearchParams,
    clientId: string,
    behave: Behaviour,
  ): Promise<DoubleAnswer> | DoubleAnswer {
    const grant = authorization.redeem(form.get('code') ?? '')
    if (grant === undefined) return errorAnswer('invalid_grant', 'the code is unknown or was used')
    if (grant.clientId !== clientId) return errorAnswer('invalid_grant', 'another client')
    if (grant.redirectUri !== form.get('redirect_uri')) {
      return errorAnswer('invalid_grant', 'redirect_uri differs')
    }
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (challenge !== grant.codeChallenge) return errorAnswer('invalid_grant', 'code_verifier')
    const isOffline = grant.scope.split(' ').includes('offline_access')
    const isRefreshable =
      behave.refreshTokens === 'always' || (behave.refreshTokens === 'offline_access' && isOffline)
    const refreshToken = isRefreshable ? newRefreshToken(grant) : undefined
    return issue(grant, behave, { refreshToken, idToken: behave.idToken, nonce: grant.nonce })
  }

  function refresh(
    form: URLSearchParams,
    clientId: string,
    behave: Behaviour,
  ): Promise<DoubleAnswer> | DoubleAnswer {
    const { refreshError } = behave
    if (refreshError) return errorAnswer(refreshError.error, refreshError.error_description)
    const presented = form.get('refresh_token') ?? ''
    const grant = refreshTokens.get(presented)
    if (grant === undefined || grant.clientId !== clientId) {
      return errorAnswer('invalid_grant', 'the refresh token is unknown, revoked or used')
    }
    if (behave.rotateRefreshTokens) refreshTokens.delete(presented)
    const refreshToken = behave.rotateRefreshTokens ? newRefreshToken(grant) : undefined
    const idToken = behave.refreshIdToken ? (behave.refreshedIdToken ?? behave.idToken) : undefined
    return issue(grant, behave, { refreshToken, idToken })
  }

  function newRefreshToken(grant: DoubleGrant): string {
    const token = randomBytes(24).toString('base64url')
    refreshTokens.set(token, grant)
    return token
  }

  return {
    async token(form, clientId, behave) {
      switch (form.get('grant_type')) {
        case 'authorization_code':
          return redeemCode(form, clientId, behave)
        case 'refresh_token':
          return refresh(form, clientId, behave)
        default:
          return errorAnswer('unsupported_grant_type')
      }
    },

    userinfo({ headers }, behave) {
      const [scheme, token = ''] = headers.authorization?.split(' ') ?? []
      const known = scheme?.toLowerCase() === 'bearer' ? accessTokens.get(token) : undefined
      if (known === undefined || known.expiresAt <= Date.now() / 1000) {
        const refusal = errorAnswer('invalid_token', 'the access token is unknown or expired', 401)
        const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' }
        return { ...refusal, headers: { ...refusal.headers, ...challenge } }
      }
      const claims = { sub: known.grant.sub, ...behave.claims }
      return jsonAnswer(behave.userinfo?.(claims) ?? claims, behave.userinfoStatus)
    },

    introspect(form, clientId) {
      const token = form.get('token') ?? ''
      const access = accessTokens.get(token)
      const isAlive = access !== undefined && access.expiresAt > Date.now() / 1000
      const grant = isAlive ? access.grant : refreshTokens.get(token)
      if (grant?.clientId !== clientId) return jsonAnswer({ active: false })
      const { sub, scope } = grant
      return jsonAnswer({ active: true, sub, scope, client_id: clientId, iss: issuer })
    },

    revoke(form, clientId, behave) {
      const token = form.get('token') ?? ''
      if (behave.revocationStatus !== undefined)
        return { status: behave.revocationStatus, headers: {}, body: '' }
      const grant = refreshTokens.get(token) ?? accessTokens.get(token)?.grant
      if (grant?.clientId === clientId) {
        refreshTokens.delete(token)
        accessTokens.delete(token)
      }
      return { status: 200, headers: {}, body: '' }
    },
  }
}

/**
 * This app as a client of one provider: what belongs to the two of them alone.
 *
 * @module
 */

import type { Clock } from './base/clock.ts'
import type { BaseUrl } from './base/url.ts'
import { createClientAuthentication } from './client/authentication.ts'
import type { Emit } from './events.ts'
import { createFetch } from './http/fetch.ts'
import { createDecryptionRing, type DecryptionRing } from './keys/decryption-ring.ts'
import { createKeyRing, type KeyRing } from './keys/key-ring.ts'
import type { LoginSettings } from './login/authentication-request.ts'
import type { RedeemSettings } from './login/authentication-response.ts'
import { verifySecretSignature } from './login/id-token.ts'
import type { LoopBreaker } from './login/loop-breaker.ts'
import type { Transactions } from './login/transaction.ts'
import type { LogoutTokenSettings } from './logout/logout-token.ts'
import { readClientSecret } from './option-checks.ts'
import { createProvider, type Provider } from './provider/discovery.ts'
import type { ProviderConfig } from './provider-config.ts'
import { createRefresh, type Refresh } from './tokens/refresh.ts'

/** This app as a client of one provider. */
export interface Registration {
  /** `''` where there is only one. */
  readonly id: string
  readonly label: string
  readonly issuer: string
  readonly clientId: string
  readonly redirectUri: string
  readonly fetchesUserInfo: boolean
  /** Seconds that one request to the provider may take. */
  readonly timeout: number
  readonly keyRing: KeyRing | undefined
  readonly decryptionRing: DecryptionRing | undefined
  readonly provider: Provider
  readonly refresh: Refresh
  readonly login: LoginSettings
  readonly redeem: RedeemSettings
  readonly logoutToken: LogoutTokenSettings
  close(): Promise<void>
}

/** What all registrations of an app share. */
export interface SharedParts {
  readonly baseUrl: BaseUrl
  /** The path of the callback of a registration, below `baseUrl`. */
  readonly callbackPath: (id: string) => string
  readonly transactions: Transactions
  readonly loopBreaker: LoopBreaker
  readonly clock: Clock
  readonly emit: Emit
}

/** Makes the parts of one registration fit together. No request is made. */
export function createRegistration(config: ProviderConfig, shared: SharedParts): Registration {
  const { id, issuer, clientId, idToken, preset } = config
  const { baseUrl, transactions, loopBreaker, clock, emit } = shared
  const parts = { clock, emit }
  const keyRing =
    config.keySources.length > 0
      ? createKeyRing({ sources: config.keySources, accepted: config.accepted, ...parts })
      : undefined
  const decryptionRing =
    config.decryptionSources.length > 0
      ? createDecryptionRing({ sources: config.decryptionSources, ...parts })
      : undefined
  async function checkKeys(): Promise<void> {
    await Promise.all([keyRing?.check(), decryptionRing?.usable()])
    const { certificates, certificateHeader } = config.assertion
    if (keyRing && certificates)
      certificates.buildHeader(await keyRing.current(), certificateHeader)
  }
  const clientAuth = createClientAuthentication(config.clientAuth, {
    keyRing,
    options: config.assertion,
    ...parts,
  })
  const secret = readClientSecret(config.clientAuth)
  const usesSecret = idToken.algs?.some((alg) => alg.startsWith('HS')) ?? false
  const verifySecret =
    usesSecret && secret !== undefined
      ? (token: string) => verifySecretSignature(token, secret, idToken.algs ?? [])
      : undefined
  const provider = createProvider({
    issuer,
    clientId,
    clientAuth,
    preset,
    idTokenAlgs: idToken.algs,
    hasAsymmetricIdTokens: verifySecret === undefined,
    clockTolerance: idToken.clockTolerance,
    decryptionRing,
    fetch: createFetch(config.http),
    ...parts,
  })
  const redirectUri = baseUrl.origin + baseUrl.path + shared.callbackPath(id)
  const ofIdTokens = {
    trustedAudiences: idToken.trustedAudiences,
    clockTolerance: idToken.clockTolerance,
    verifySecretSignature: verifySecret,
  }
  return {
    id,
    label: config.label,
    issuer,
    clientId,
    redirectUri,
    fetchesUserInfo: config.userInfo,
    timeout: config.http.timeout,
    keyRing,
    decryptionRing,
    provider,
    refresh: createRefresh({
      provider,
      clientId,
      ...ofIdTokens,
      ...parts,
    }),
    login: {
      id,
      provider,
      redirectUri,
      baseUrl,
      authorization: config.authorization,
      demands: preset,
      checkKeys,
      transactions,
      loopBreaker,
      ...parts,
    },
    logoutToken: { provider, clientId, ...ofIdTokens, decryptionRing, clock },
    redeem: { provider, clientId, redirectUri, ...ofIdTokens, acr: preset?.acr, clock },
    async close() {
      await Promise.all([keyRing?.close(), decryptionRing?.close()])
    },
  }
}

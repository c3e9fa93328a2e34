/**
 * Signing an End-User out at the provider without a browser, as an administrator does: sessions end,
 * and the apps learn it from Logout Tokens that oidc-provider makes and sends.
 *
 * @module
 */

/// <reference path="./oidc-provider.d.ts" />
import type { Provider } from 'oidc-provider/lib/provider.js'
import type { LogoutDelivery, SignOutOptions } from './sign-out-answer.ts'
import type { Storage, StoredPayload } from './storage.ts'

/** Ends every session of `sub`, and resolves when all clients have answered, or failed to. */
export async function endSessionsOf(
  sub: string,
  parts: SignOutOptions & { readonly provider: Provider; readonly storage: Storage },
): Promise<readonly LogoutDelivery[]> {
  const { provider, storage, revokeTokens = false } = parts
  const sessions = storage.list('Session').filter(({ accountId }) => accountId === sub)
  // First of all the sessions end, so that nobody is signed in again by one of them meanwhile
  await Promise.all(sessions.map(({ jti }) => storage.adapter('Session').destroy(String(jti))))
  if (revokeTokens) await revokeGrantsOf(sub, storage)
  const deliveries = sessions.flatMap(readLogins).map(([clientId, sid]) => deliver(clientId, sid))
  return (await Promise.all(deliveries)).filter((delivery) => delivery !== undefined)

  async function deliver(
    clientId: string,
    sid: string | undefined,
  ): Promise<LogoutDelivery | undefined> {
    const client = await provider.Client.find(clientId)
    if (client?.backchannelLogoutUri === undefined) return undefined
    try {
      await client.backchannelLogout(sub, sid)
      return { clientId, sid }
    } catch (error) {
      return { clientId, sid, error: error instanceof Error ? error.message : String(error) }
    }
  }
}

async function revokeGrantsOf(sub: string, storage: Storage): Promise<void> {
  const grants = storage.adapter('Grant')
  for (const { accountId, jti } of storage.list('Grant')) {
    if (accountId !== sub) continue
    await grants.revokeByGrantId(String(jti))
    await grants.destroy(String(jti))
  }
}

function readLogins({ authorizations = {} }: StoredPayload): [string, string | undefined][] {
  const logins = Object.entries(authorizations as { [clientId: string]: { sid?: string } })
  return logins.map(([clientId, { sid }]) => [clientId, sid])
}

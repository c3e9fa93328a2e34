/**
 * Front-channel logout. oidc-provider 9 has none, so this part of the provider is ours: the metadata,
 * the `sid`, and a page with one frame for each app that the ended session was signed in to.
 *
 * Whom to tell follows what oidc-provider does for back-channel logout. The page goes on when its
 * frames have loaded, or after two seconds.
 *
 * @see OpenID Connect Front-Channel Logout 1.0
 * @module
 */

/// <reference path="./oidc-provider.d.ts" />
import type { Client, Context, Provider, Session } from 'oidc-provider/lib/provider.js'
import { endpointPaths } from './endpoint-paths.ts'
import { setPageHeaders } from './page.ts'
import { frontChannelLogoutPage } from './pages.ts'

/** What the provider's metadata say of it. @see OpenID Connect Front-Channel Logout 1.0, 3 */
export const frontChannelMetadata = {
  frontchannel_logout_supported: true,
  frontchannel_logout_session_supported: true,
} as const

/** What a client registers. @see OpenID Connect Front-Channel Logout 1.0, 2 */
export const frontChannelClientMetadata = [
  'frontchannel_logout_uri',
  'frontchannel_logout_session_required',
] as const

/** Without it, a frame that never loads would hold up the logout: a refresh waits for the frames. */
const script = `setTimeout(function () {
  location.replace(document.getElementById('onward').href)
}, 2000)`

/** Gives ID Tokens a `sid` for front-channel logout too; oidc-provider looks at back-channel alone. */
export function includeSidForFrontChannel({ Client }: Provider): void {
  const { prototype } = Client
  const { includeSid } = prototype
  prototype.includeSid = function (this: Client) {
    return includeSid.call(this) || this.frontchannel_logout_session_required === true
  }
}

/** Lets the redirect that ends a logout wait for the frames of the apps that have some. */
export async function sendFrontChannelLogout(
  ctx: Context,
  next: () => Promise<void>,
  { issuer, provider }: { readonly issuer: string; readonly provider: Provider },
): Promise<void> {
  if (ctx.path !== `${endpointPaths.end_session}/confirm`) return next()
  // Read beforehand: the session is gone, or lacks this login, once oidc-provider is done with it
  const { logins, initiator } = readLogins(await provider.Session.get(ctx))
  await next()
  if (ctx.status !== 303) return
  const isWhole = ctx.oidc?.params?.['logout'] !== undefined
  const ended = logins.filter(({ clientId }) => isWhole || clientId === initiator)
  const frames: string[] = []
  for (const { clientId, sid } of ended) {
    const client = await provider.Client.find(clientId)
    const url = client && buildLogoutUrl(client, { iss: issuer, sid })
    if (url !== undefined) frames.push(url)
  }
  if (frames.length > 0) sendFrames(ctx, frames)
}

interface Login {
  readonly clientId: string
  readonly sid: string | undefined
}

function readLogins({ authorizations = {}, state }: Session): {
  readonly logins: readonly Login[]
  readonly initiator: string | undefined
} {
  const entries = Object.entries(authorizations)
  const logins = entries.map(([clientId, { sid }]) => ({ clientId, sid }))
  return { logins, initiator: state?.clientId }
}

function buildLogoutUrl(
  { frontchannel_logout_uri, frontchannel_logout_session_required }: Client,
  { iss, sid }: { readonly iss: string; readonly sid: string | undefined },
): string | undefined {
  if (frontchannel_logout_uri === undefined) return undefined
  // A query that was registered is kept: Front-Channel Logout 1.0, 2
  const url = new URL(frontchannel_logout_uri)
  if (frontchannel_logout_session_required !== true || sid === undefined) return url.href
  url.searchParams.append('iss', iss)
  url.searchParams.append('sid', sid)
  return url.href
}

function sendFrames(ctx: Context, frames: readonly string[]): void {
  const onward = ctx.response.get('location')
  const origins = new Set(frames.map((url) => new URL(url).origin))
  setPageHeaders(ctx.res, { frames: [...origins], script })
  ctx.remove('location')
  ctx.status = 200
  ctx.type = 'html'
  // A browser counts from when the document, frames included, has loaded (HTML, 7.4.7)
  ctx.set('refresh', `0;url=${onward}`)
  ctx.body = frontChannelLogoutPage({ frames, onward, script })
}

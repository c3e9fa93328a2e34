/**
 * One instance of oidc-provider. Its keys are fixed, so a rotation makes a new instance over the same
 * storage.
 *
 * @module
 */

/// <reference path="./oidc-provider.d.ts" />
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'oidc-provider/lib/provider.js'
import { Provider as OidcProvider } from 'oidc-provider/lib/provider.js'
import type { Account } from './account.ts'
import { buildConfiguration, type ConfigurationParts } from './configuration.ts'
import { endpointPaths } from './endpoint-paths.ts'
import { includeSidForFrontChannel, sendFrontChannelLogout } from './front-channel-logout.ts'
import { confirmLogoutPage, errorPage, loggedOutPage } from './pages.ts'
import type { SeenTokenRequest } from './seen-token-request.ts'
import { readTokenRequest } from './token-request.ts'

/** An instance of oidc-provider, as a request handler. */
export interface Engine {
  readonly provider: OidcProvider
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>
  /**
   * Reads a registered client as a login would.
   *
   * @throws Error when oidc-provider does not accept its metadata
   */
  checkClient(clientId: string): Promise<void>
}

/** What an instance is made of. */
export interface EngineParts extends Omit<ConfigurationParts, 'engine' | 'pages'> {
  readonly issuer: string
  /** Whether a logout goes on at once, where a page would ask. */
  readonly skipLogoutPage: boolean
  /** What is changed in an instance before it is used. */
  readonly dress: (provider: OidcProvider) => void
  readonly log: (line: string) => void
  /** Told of every request at the token endpoint, before it is answered. */
  readonly onTokenRequest: (request: SeenTokenRequest) => void
}

/** What oidc-provider knows of a fault, beyond what it tells the client. */
interface EngineError extends Error {
  readonly error?: string
  readonly error_description?: string
  readonly error_detail?: string
  /** Whether it has been logged where it was found. */
  readonly isTold?: boolean
}

const errorEvents = [
  'grant.error',
  'pushed_authorization_request.error',
  'revocation.error',
  'introspection.error',
]
const otherErrorEvents = [
  'authorization.error',
  'userinfo.error',
  'end_session.error',
  'backchannel.error',
  'error',
]

/** Creates an instance that prints nothing. */
export function createEngine(parts: EngineParts): Engine {
  const { issuer, skipLogoutPage, mountPath, findAccount, log, onTokenRequest } = parts
  const provider: OidcProvider = new OidcProvider(
    issuer,
    buildConfiguration({ ...parts, engine: () => provider, pages: createPages(findAccount) }),
  )
  provider.use((ctx, next) => shortenLogout(ctx, next, { isAlways: skipLogoutPage, mountPath }))
  provider.use((ctx, next) => sendFrontChannelLogout(ctx, next, { issuer, provider }))
  includeSidForFrontChannel(provider)
  parts.dress(provider)

  provider.on('grant.success', (ctx: Context) => onTokenRequest(readTokenRequest(ctx)))
  for (const event of errorEvents) {
    provider.on(event, (ctx: Context, error: EngineError) => {
      if (error.isTold) return
      const reason = error.error_detail ?? (error.cause as Error | undefined)?.message
      log(`${event}: ${error.message}: ${reason ?? error.error_description ?? ''}`)
      // A local provider may say what a real one keeps to itself.
      if (reason === undefined || typeof ctx.body !== 'object') return
      ctx.body = { ...ctx.body, error_description: reason }
    })
  }
  provider.on('grant.error', (ctx: Context) => onTokenRequest(readTokenRequest(ctx)))
  // With a listener for `error`, Koa does not print what it caught.
  for (const event of [...otherErrorEvents, 'server_error']) {
    provider.on(event, (...heard: readonly unknown[]) => {
      const error = heard.find((value) => value instanceof Error) as EngineError | undefined
      if (error?.isTold) return
      log(`${event}: ${error?.message}: ${error?.error_description ?? error?.stack ?? ''}`)
    })
  }

  const callback = provider.callback()
  return {
    provider,
    handle: callback,
    async checkClient(clientId) {
      try {
        await provider.Client.find(clientId)
      } catch (error) {
        const reason = (error as EngineError).error_description ?? String(error)
        throw new TypeError(`client "${clientId}": ${reason}`, { cause: error })
      }
    },
  }
}

/**
 * Where oidc-provider answers with a form that only a browser's script would submit, and nobody has to
 * be asked, answers with a redirect instead.
 */
async function shortenLogout(
  ctx: Context,
  next: () => Promise<void>,
  { isAlways, mountPath }: { readonly isAlways: boolean; readonly mountPath: string },
): Promise<void> {
  await next()
  const { oidc, status } = ctx
  const xsrf = oidc?.session?.state?.secret
  if (oidc === undefined || xsrf === undefined || status !== 200) return
  const isLogout = oidc.route === 'end_session'
  const isAccountSwitch = oidc.route === 'resume'
  if (!isLogout && !isAccountSwitch) return
  if (isLogout && !isAlways && oidc.session?.accountId !== undefined) return
  ctx.status = 303
  const confirm = `${mountPath}${endpointPaths.end_session}/confirm`
  ctx.redirect(`${confirm}?${new URLSearchParams({ xsrf, logout: 'yes' })}`)
  ctx.body = ''
}

function createPages(
  findAccount: (sub: string) => Account | undefined,
): ConfigurationParts['pages'] {
  function send(ctx: Context, page: string): void {
    ctx.type = 'html'
    ctx.body = page
  }
  const appOf = ({ oidc }: Context) => oidc?.client?.clientName ?? oidc?.client?.clientId
  return {
    error: (ctx, { error, error_description }) =>
      send(ctx, errorPage({ error, error_description })),
    confirmLogout(ctx, form) {
      const account = findAccount(ctx.oidc?.session?.accountId ?? '')
      send(ctx, confirmLogoutPage({ form: { html: form }, app: appOf(ctx), account }))
    },
    loggedOut: (ctx) => send(ctx, loggedOutPage(appOf(ctx))),
  }
}

/**
 * The app under test, in every framework: one set of pages that shows all that `oidc` can do.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { AnyOptions, RelyingParty } from '@countersign/core'

/** How one app is to be set up. */
export interface AppSettings {
  /** The options, or a Relying Party, once it is known where the app listens. */
  readonly options: (baseUrl: string) => AnyOptions | RelyingParty
  /** Whether the framework's usual body parser runs before `oidc()`. */
  readonly hasBodyParser?: boolean
  /** Where `oidc()` is mounted, and below which the pages are. */
  readonly mountPath?: string
}

/**
 * A framework with its adapter. `build` makes an app with these pages below `mountPath`:
 *
 * - `GET /public`: JSON `{ isAuthenticated, sub }`
 * - `GET /untouched`: text, reads nothing of `oidc`
 * - `GET` and `POST /profile` (login): JSON of `oidc.user`; `GET /claims` (login): JSON of `oidc.claims`
 * - `GET /admin` (claim `role` = `admin`), `/strong` (`acr` = `strong`), `/fresh` (`maxAge` 0),
 *   `/otp` (`amr` = `otp`): text `ok`
 * - `GET /at-two` (provider `two`): text `ok`; `GET /which`: JSON `{ provider, sub }`
 * - `GET /start`: `oidc.login({ returnTo: '/profile' })`; `GET /leave`: `oidc.logout()`;
 *   `GET /leave-here`: `oidc.logout({ local: true })`
 * - `GET /token`: text of `oidc.accessToken()`; `GET /userinfo`: JSON of `oidc.userInfo()`;
 *   `GET /refresh`: `oidc.refresh()`, then JSON `{ accessToken, scope, expiresAt }`
 * - `GET /stream`: `oidc.refresh()`, then `oidc.user` is read and two chunks are written with time
 *   between them; `GET /sse`: the same as two server-sent events
 * - `GET /file`: `oidc.refresh()`, then the file `page`, with an `ETag`: the way the framework does it
 * - `GET /late`: a chunk is written, then `oidc.logout()` is tried; the error's code is the next chunk
 * - `GET /broken`: a chunk is written, then the handler throws
 * - `GET /both`: a cookie `before` of the app's, `oidc.refresh()`, and a cookie `after`, set the way the
 *   framework does it
 * - `POST /echo`: JSON of the body: as the parser has left it, else the text that is still there to read
 * - `GET /boom`: throws; `GET /spill`: `oidc.refresh()`, then throws `spilled`
 */
export interface Framework {
  readonly name: string
  build(
    relyingParty: RelyingParty | AnyOptions,
    settings: Required<Pick<AppSettings, 'hasBodyParser' | 'mountPath'>>,
  ): RequestListener | Promise<RequestListener>
}

/** The file that `GET /file` sends. */
export const page: string = fileURLToPath(new URL('page.txt', import.meta.url))

/** A stream of two chunks with time between them. */
export function writeTwice(first: string, second: string): PassThrough {
  const stream = new PassThrough()
  stream.write(first)
  setTimeout(20).then(() => stream.end(second))
  return stream
}

/** A running app. */
export interface App {
  /** Where it is, `mountPath` included, without a trailing slash. */
  readonly url: string
  readonly origin: string
  readonly server: Server
  close(): Promise<void>
}

/** Starts an app on a free port of loopback. */
export async function startApp(framework: Framework, settings: AppSettings): Promise<App> {
  const { hasBodyParser = false, mountPath = '' } = settings
  let listener: RequestListener = (_req, res) => res.writeHead(503).end()
  const server = createServer((req, res) => listener(req, res))
  // Browsers of tests keep their connections: one that ends when a test goes on proves nothing
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const origin = `http://localhost:${port}`
  const url = origin + mountPath
  try {
    listener = await framework.build(settings.options(url), { hasBodyParser, mountPath })
  } catch (error) {
    server.close()
    throw error
  }
  return {
    url,
    origin,
    server,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

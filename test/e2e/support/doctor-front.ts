/**
 * A server before the app, which answers some of its paths in another way.
 *
 * @module
 */

import {
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { type PlainServer, serve } from './doctor-server.ts'
import type { DoctorSetting } from './doctor-setting.ts'

/** Serves the app itself, and some of its paths in another way. */
export function serveInstead(
  { app }: DoctorSetting,
  paths: Readonly<Record<string, RequestListener>>,
): Promise<PlainServer> {
  return serve((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? ''
    const instead = paths[path]
    if (instead) return instead(request, response)
    const { method, headers } = request
    const target = app.url + request.url
    // A connection of its own: a kept one may have been closed meanwhile
    const outgoing = httpRequest(target, { agent: false, method, headers }, (answer) => {
      const here = encodeURIComponent(`http://${headers.host}`)
      const { location, ...others } = answer.headers
      const moved = location?.replaceAll(encodeURIComponent(app.url), here)
      response.writeHead(answer.statusCode ?? 0, { ...others, ...(moved && { location: moved }) })
      answer.pipe(response)
    })
    outgoing.end()
  })
}

/** A login that leads to the provider, wherever the app is. */
export function sendToProvider(
  { provider }: DoctorSetting,
  { headers }: IncomingMessage,
  response: ServerResponse,
): void {
  const query = new URLSearchParams({
    client_id: 'app',
    redirect_uri: `http://${headers.host}/callback`,
  })
  response.writeHead(303, { location: `${provider.issuer}/authorize?${query}` }).end()
}

/** What the doctor says of a server that stands where the app should be. */
export async function examineServer(
  setting: DoctorSetting,
  server: PlainServer,
  changes: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<string> {
  const text = await setting.examine({ OIDC_BASE_URL: server.url, ...changes }, flags)
  const host = server.url.replace(/^https?:/, '')
  return text.replaceAll(`http:${host}`, 'http://else').replaceAll(`https:${host}`, 'https://else')
}

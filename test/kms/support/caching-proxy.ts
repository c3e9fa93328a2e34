/**
 * A cache in front of a URL, as a provider may have one: what it has fetched it holds on to for five
 * minutes, and no unknown `kid` makes it look sooner.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Seconds for which an answer is kept. */
export const lifetime = 300

/** The cache, listening. */
export interface CachingProxy {
  readonly url: string
  /** How often it has asked. */
  readonly fetches: number
  close(): Promise<void>
}

/** Starts a cache that asks one of these URLs in turn. Its time is that of `Date`. */
export async function startCachingProxy(targets: readonly string[]): Promise<CachingProxy> {
  let fetches = 0
  let kept: { readonly until: number; readonly body: Promise<string> } | undefined

  async function fetchBody(target: string): Promise<string> {
    const response = await fetch(target)
    if (!response.ok) throw new Error(`${target} answered ${response.status}`)
    return response.text()
  }

  const server = createServer((_request, response) => {
    const now = Date.now() / 1000
    if (!kept || kept.until <= now) {
      const target = targets[fetches % targets.length] ?? ''
      fetches += 1
      kept = { until: now + lifetime, body: fetchBody(target) }
    }
    kept.body.then(
      (body) => response.setHeader('content-type', 'application/jwk-set+json').end(body),
      () => response.writeHead(502).end(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/jwks`,
    get fetches() {
      return fetches
    },
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

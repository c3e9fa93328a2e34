/**
 * The token endpoint that Azure App Service gives to the apps in it, emulated.
 *
 * @see https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 *
 * @module
 */

import { once } from 'node:events'
import { createServer } from 'node:http'

/** The endpoint, and the variables that an app finds it by. */
export interface ManagedIdentity {
  readonly variables: Readonly<Record<string, string>>
  /** The resources that tokens were asked for. */
  readonly resources: string[]
  close(): Promise<void>
}

/** Starts an endpoint that gives this token to whoever knows its secret header. */
export async function startManagedIdentity(token: string): Promise<ManagedIdentity> {
  const secret = 'a-header-of-the-test'
  const resources: string[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1')
    const resource = url.searchParams.get('resource') ?? ''
    resources.push(resource)
    const isKnown =
      request.headers['x-identity-header'] === secret &&
      url.searchParams.get('api-version') === '2019-08-01'
    const expires = Math.floor(Date.now() / 1000) + 3600
    const granted = {
      access_token: token,
      expires_on: `${expires}`,
      resource,
      token_type: 'Bearer',
    }
    const refused = { statusCode: 400, message: 'Unable to load the proper Managed Identity.' }
    response.writeHead(isKnown ? 200 : 400, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isKnown ? granted : refused))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    variables: {
      IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/msi/token`,
      IDENTITY_HEADER: secret,
    },
    resources,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

import { OidcError, oidc, requireLogin } from '@countersign/fastify'
import { generateClientKey } from '@countersign/testing'
import fastify from 'fastify'
import { visit } from '../visit.mjs'

const { privateJwk } = await generateClientKey('ES256')

const app = fastify()
await app.register(oidc, {
  issuer: 'https://op.example',
  clientId: 'app',
  clientKey: privateJwk,
  baseUrl: 'https://app.example',
  session: { secret: 'a secret of at least 32 characters' },
})
app.get('/', async ({ oidc }) => `signed in: ${oidc.isAuthenticated}`)
app.get('/profile', { onRequest: requireLogin() }, async ({ oidc }) => oidc.user)

await app.listen({ port: 0, host: '127.0.0.1' })
await visit(app.server)
if (!(new Error('x') instanceof OidcError)) console.log('done')

const { generateKeyPairSync } = require('node:crypto')
const { oidc, requireLogin } = require('@countersign/fastify')
const fastify = require('fastify')
const { visit } = require('../visit.mjs')

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const app = fastify()
app.register(oidc, {
  issuer: 'https://op.example',
  clientId: 'app',
  clientKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  baseUrl: 'https://app.example',
  session: { secret: 'a secret of at least 32 characters' },
})
app.after(() => {
  app.get('/', async ({ oidc }) => `signed in: ${oidc.isAuthenticated}`)
  app.get('/profile', { onRequest: requireLogin() }, async ({ oidc }) => oidc.user)
})

app
  .listen({ port: 0, host: '127.0.0.1' })
  .then(() => visit(app.server))
  .then(() => console.log('done'))

const { generateKeyPairSync } = require('node:crypto')
const { oidc, requireLogin } = require('@countersign/koa')
const Koa = require('koa')
const { visit } = require('../visit.mjs')

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const app = new Koa()
app.use(
  oidc({
    issuer: 'https://op.example',
    clientId: 'app',
    clientKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    baseUrl: 'https://app.example',
    session: { secret: 'a secret of at least 32 characters' },
  }),
)
const guard = requireLogin()
app.use((ctx, next) => (ctx.path === '/profile' ? guard(ctx, next) : next()))
app.use((ctx) => {
  ctx.body = `signed in: ${ctx.oidc.isAuthenticated}`
})

visit(app.listen(0, '127.0.0.1')).then(() => console.log('done'))

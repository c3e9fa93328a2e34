import { OidcError, oidc, requireLogin } from '@countersign/koa'
import { generateClientKey } from '@countersign/testing'
import Koa from 'koa'
import { visit } from '../visit.mjs'

const { privateJwk } = await generateClientKey('ES256')

const app = new Koa()
app.use(
  oidc({
    issuer: 'https://op.example',
    clientId: 'app',
    clientKey: privateJwk,
    baseUrl: 'https://app.example',
    session: { secret: 'a secret of at least 32 characters' },
  }),
)
const guard = requireLogin()
app.use((ctx, next) => (ctx.path === '/profile' ? guard(ctx, next) : next()))
app.use((ctx) => {
  ctx.body = `signed in: ${ctx.oidc.isAuthenticated}`
})

await visit(app.listen(0, '127.0.0.1'))
if (!(new Error('x') instanceof OidcError)) console.log('done')

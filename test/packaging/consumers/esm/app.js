import { OidcError, oidc, requireLogin } from '@countersign/express'
import { generateClientKey } from '@countersign/testing'
import express from 'express'
import { visit } from '../visit.mjs'

const { privateJwk } = await generateClientKey('ES256')

const app = express()
app.use(
  oidc({
    issuer: 'https://op.example',
    clientId: 'app',
    clientKey: privateJwk,
    baseUrl: 'https://app.example',
    session: { secret: 'a secret of at least 32 characters' },
  }),
)
app.get('/', (req, res) => res.send(`signed in: ${req.oidc.isAuthenticated}`))
app.get('/profile', requireLogin(), (req, res) => res.json(req.oidc.user))

await visit(app.listen(0, '127.0.0.1'))
if (!(new Error('x') instanceof OidcError)) console.log('done')

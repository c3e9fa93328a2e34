const { generateKeyPairSync } = require('node:crypto')
const { oidc, optionsFromEnv, requireLogin } = require('@countersign/express')
const express = require('express')
const { visit } = require('../visit.mjs')

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const app = express()
app.use(
  oidc(
    optionsFromEnv({
      OIDC_ISSUER: 'https://op.example',
      OIDC_CLIENT_ID: 'app',
      OIDC_CLIENT_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      OIDC_BASE_URL: 'https://app.example',
      OIDC_SESSION_SECRET: 'a secret of at least 32 characters',
    }),
  ),
)
app.get('/', (req, res) => res.send(`signed in: ${req.oidc.isAuthenticated}`))
app.get('/profile', requireLogin(), (req, res) => res.json(req.oidc.user))

visit(app.listen(0, '127.0.0.1')).then(() => console.log('done'))

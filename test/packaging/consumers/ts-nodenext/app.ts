import { generateKeyPairSync } from 'node:crypto'
import * as core from '@countersign/core'
import type { Signer } from '@countersign/core/keys'
import { createNodeExchange } from '@countersign/core/node'
import {
  createRelyingParty,
  type Options,
  oidc,
  requireLogin,
  type UserClaims,
} from '@countersign/express'
import { generateClientKey, startProvider } from '@countersign/testing'
import express from 'express'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const options: Options = {
  issuer: 'https://op.example',
  clientId: 'app',
  clientKey: privateKey,
  baseUrl: 'https://app.example',
  session: { secret: 'a secret of at least 32 characters' },
}

export const app = express()
app.use(oidc(createRelyingParty(options)))
app.get('/profile', requireLogin({ maxAge: 60 }), (req, res) => {
  const user: UserClaims | undefined = req.oidc.user
  res.json({ email: user?.email })
})

export const others: readonly unknown[] = [
  core.OidcError,
  createNodeExchange,
  generateClientKey,
  startProvider,
]
export type Other = Signer

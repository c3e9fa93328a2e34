/**
 * The local OpenID Provider in a process of its own, told what to do by messages.
 *
 * @module
 */

import { startProvider } from '@countersign/testing'

const provider = await startProvider(JSON.parse(process.env.PROVIDER))

process.on('message', async ({ id, method, args }) => {
  try {
    const member = provider[method]
    process.send({ id, value: typeof member === 'function' ? await member(...args) : member })
  } catch (error) {
    process.send({ id, error: String(error) })
  }
})
process.on('disconnect', () => process.exit())
process.send({ issuer: provider.issuer })

/**
 * An app that never gets to its provider, for tests that end before.
 *
 * @module
 */

import { secret } from '../../support/setting.ts'

/** Options of a client that never gets to its provider. */
export const options = {
  issuer: 'http://127.0.0.1:1',
  clientId: 'app',
  clientAuth: { method: 'none' },
  baseUrl: 'http://localhost:3000',
  session: { secret },
} as const

/** The End-User of these tests. */
export const ada = { sub: 'ada', name: 'Ada' }

/** The header of a form. */
export const form = { 'content-type': 'application/x-www-form-urlencoded' }

/**
 * Asking Vault with the token in use, and once more with a new one where Vault knows the old one no
 * longer.
 *
 * @module
 */

import { VaultError } from './client.ts'
import type { VaultTokens } from './login.ts'

/** Asks with a token. */
export type Asking = <Value>(
  signal: AbortSignal,
  act: (token: string) => Promise<Value>,
) => Promise<Value>

/** Milliseconds for which a new token is not tried again, after one was refused as well. */
const helpless = 60_000

/**
 * Creates the function that asks. Whether Vault still knows a token is found out before another one is
 * tried: each login leaves a lease in Vault, and one for every signature that a policy forbids would
 * fill it.
 */
export function createAsking(
  tokens: VaultTokens,
  lookUp: (token: string, signal: AbortSignal) => Promise<void>,
): Asking {
  let helplessAt = Number.NEGATIVE_INFINITY

  async function isValid(token: string, signal: AbortSignal): Promise<boolean> {
    try {
      await lookUp(token, signal)
      return true
    } catch (error) {
      if (error instanceof VaultError && error.status === 403) return false
      throw error
    }
  }

  return async (signal, act) => {
    const token = await tokens.current(signal)
    try {
      return await act(token)
    } catch (error) {
      if (!(error instanceof VaultError) || error.status !== 403) throw error
      if (error.purpose !== 'read' && error.purpose !== 'sign') throw error
      if (await isValid(token, signal)) throw new VaultError(error, { isTokenValid: true })
      if (performance.now() - helplessAt < helpless || !tokens.replace(token)) throw error
      const fresh = await tokens.current(signal)
      if (fresh === token) throw error
      return await act(fresh).catch((again: unknown) => {
        if (again instanceof VaultError && again.status === 403) helplessAt = performance.now()
        throw again
      })
    }
  }
}

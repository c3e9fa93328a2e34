/**
 * The one token that a search fits, and the login to it.
 *
 * @see PKCS #11 Specification Version 3.1, 5.5, 5.6
 * @module
 */

import { endianness } from 'node:os'
import { KeyError } from '@countersign/core/keys'
import type { TokenInfo } from 'pkcs11js'
import { StoreFault } from '../store/key-store.ts'
import { isPinRefused, isReturn } from './failure.ts'
import type { SharedModule } from './module.ts'
import { userType } from './numbers.ts'
import type { Handle } from './objects.ts'
import { checkMayLogIn, rememberFailedLogin } from './pin.ts'
import type { TokenSearch } from './uri.ts'

/** A token in its slot. */
export interface Token {
  readonly slot: Handle
  /** What tells it from other tokens, by whichever module and slot. */
  readonly identity: string
  readonly mechanisms: ReadonlySet<number>
}

interface SeenToken {
  readonly slot: Handle
  readonly slotId: number
  readonly token: string
  readonly serial: string
  readonly manufacturer: string
  readonly model: string
}

/**
 * Finds the token.
 *
 * @throws StoreFault when there is none
 * @throws KeyError when there are several
 */
export function findToken({ cryptoki }: SharedModule, search: TokenSearch, name: string): Token {
  const all = cryptoki
    .C_GetSlotList(true)
    .flatMap((slot) => readToken(slot, () => cryptoki.C_GetTokenInfo(slot)))
  const [found, ...others] = all.filter((token) => fits(token, search))
  if (!found) {
    const seen = all.length === 0 ? 'no token' : `the tokens ${describeTokens(all)}`
    throw new StoreFault('unavailable', 'the token is not there', `the module has ${seen}`)
  }
  if (others.length > 0) {
    const message =
      `${name} fits ${others.length + 1} tokens, ${describeTokens([found, ...others])}: ` +
      'add "token" (its label) or "serial" to it'
    throw new KeyError('ERR_KEY_UNAVAILABLE', message)
  }
  return {
    slot: found.slot,
    identity: JSON.stringify([found.manufacturer, found.model, found.serial, found.token]),
    mechanisms: new Set(cryptoki.C_GetMechanismList(found.slot)),
  }
}

/** Who logs in, and where. */
export interface Login {
  readonly module: SharedModule
  readonly token: Token
  readonly session: Handle
  readonly pin: string
  readonly user: keyof typeof userType
}

/**
 * Logs in. A PIN that was refused is not tried again, and one whose login failed in another way not at
 * once: not every module says that a PIN was wrong, and its token counts all the same.
 *
 * @throws StoreFault where it is not tried
 */
export function logIn({ module, token, session, pin, user }: Login): void {
  checkMayLogIn(token.identity, pin)
  try {
    module.cryptoki.C_Login(session, userType[user], pin)
  } catch (error) {
    if (isReturn(error, 'USER_ALREADY_LOGGED_IN')) return
    rememberFailedLogin(token.identity, pin, isPinRefused(error) ? 'refused' : 'unclear')
    throw error
  }
}

/** A slot may lose its token between two questions. */
function readToken(slot: Handle, readInfo: () => TokenInfo): readonly SeenToken[] {
  try {
    const { label, serialNumber, manufacturerID, model } = readInfo()
    return [
      {
        slot,
        slotId: readSlotId(slot),
        token: trim(label),
        serial: trim(serialNumber),
        manufacturer: trim(manufacturerID),
        model: trim(model),
      },
    ]
  } catch (error) {
    if (isReturn(error, 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_RECOGNIZED', 'DEVICE_REMOVED')) return []
    throw error
  }
}

function fits(seen: SeenToken, search: TokenSearch): boolean {
  const { token, serial, manufacturer, model, slotId } = search
  return (
    (token ?? seen.token) === seen.token &&
    (serial ?? seen.serial) === seen.serial &&
    (manufacturer ?? seen.manufacturer) === seen.manufacturer &&
    (model ?? seen.model) === seen.model &&
    (slotId ?? seen.slotId) === seen.slotId
  )
}

function describeTokens(tokens: readonly SeenToken[]): string {
  return tokens.map(({ token, serial }) => `"${token}" (serial ${serial || 'none'})`).join(', ')
}

/** These texts are padded with blanks to their length. */
function trim(text: string): string {
  return text.replace(/[\s\0]+$/, '')
}

function readSlotId(slot: Handle): number {
  const octets = Buffer.from(slot)
  const ordered = endianness() === 'LE' ? octets.reverse() : octets
  return Number(`0x${ordered.toString('hex')}`)
}

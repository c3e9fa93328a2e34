/**
 * The sessions of one key source: few, each for one operation at a time, and made anew when the token
 * no longer knows them.
 *
 * An operation that nobody waits for any more keeps its session until it ends. Each takes one thread of
 * libuv, which files and name resolution share.
 *
 * @see PKCS #11 Specification Version 3.1, 5.6
 * @module
 */

import { waitUntilAborted } from '@countersign/core/keys'
import pLimit from 'p-limit'
import { isLost, isOwnFault, isReturn, isStale } from './failure.ts'
import type { KeyPlace, TokenKey } from './keys.ts'
import type { SharedModule } from './module.ts'
import { flag } from './numbers.ts'
import type { Handle } from './objects.ts'
import { checkMayLogIn, type PinSource, readInTime } from './pin.ts'
import { findToken, logIn, type Token } from './token.ts'
import type { TokenSearch } from './uri.ts'

/** A session, logged in, for one operation. */
export interface Session extends KeyPlace {
  /** What was found on the token since it was opened; in common with the other sessions. */
  readonly connection: Connection
  /**
   * Prepares to log in once more, as some keys want between the beginning of a signature and its end.
   * What can fail without a word of the module's fails here, when no operation has begun.
   */
  prepareLogin(): Promise<() => void>
}

/** A token that was found, and the login to it: what all sessions of a source have in common. */
export interface Connection {
  readonly module: SharedModule
  readonly generation: number
  readonly token: Token
  readonly idle: Handle[]
  keys: readonly TokenKey[]
}

/** What sessions are made with. */
export interface SessionSettings {
  readonly name: string
  readonly search: TokenSearch
  readonly readPin: PinSource
  readonly sessions: number
  borrow(): SharedModule
}

/** The sessions. */
export interface Sessions {
  /** Does something in a session, and once more in a new one where the old one was of no use. */
  use<Value>(signal: AbortSignal, act: (session: Session) => Promise<Value>): Promise<Value>
  close(): Promise<void>
}

/** Creates the sessions. None is opened yet. */
export function createSessions(settings: SessionSettings): Sessions {
  const { name, search, readPin, sessions, borrow } = settings
  const turns = pLimit(sessions)
  let module: SharedModule | undefined
  let current: Connection | undefined
  let connecting: Promise<Connection> | undefined
  let isClosed = false

  async function connect(signal: AbortSignal): Promise<Connection> {
    if (isUsable(current)) return current
    connecting ??= openConnection(signal).finally(() => {
      connecting = undefined
    })
    return await connecting
  }

  async function openConnection(signal: AbortSignal): Promise<Connection> {
    const pin = await readInTime(readPin)
    module ??= borrow()
    await module.initialize(signal)
    const generation = module.generation()
    try {
      const token = findToken(module, search, name)
      const session = openSession(module, token)
      try {
        logIn({ module, token, session, pin, user: 'user' })
      } catch (error) {
        closeSession({ module, generation }, session)
        throw error
      }
      current = { module, generation, token, idle: [session], keys: [] }
      return current
    } catch (error) {
      if (isLost(error)) module.lose(generation)
      throw error
    }
  }

  async function attempt<Value>(
    signal: AbortSignal,
    act: (session: Session) => Promise<Value>,
  ): Promise<Value> {
    const connection = await connect(signal)
    const { cryptoki } = connection.module
    let session: Handle | undefined
    try {
      const opened = connection.idle.pop() ?? openSession(connection.module, connection.token)
      session = opened
      const value = await connection.module.run(() =>
        act({
          cryptoki,
          session: opened,
          mechanisms: connection.token.mechanisms,
          connection,
          prepareLogin: () => prepareLogin(connection, opened),
        }),
      )
      giveBack(connection, opened)
      return value
    } catch (error) {
      // The module did what it was told: its sessions are as good as before
      if (session && isOwnFault(error)) {
        giveBack(connection, session)
        throw error
      }
      // An operation may be left in it
      if (session && !isReturn(error, 'SESSION_HANDLE_INVALID', 'SESSION_CLOSED')) {
        closeSession(connection, session)
      }
      drop(connection)
      if (isLost(error)) connection.module.lose(connection.generation)
      throw error
    }
  }

  async function prepareLogin({ module, token }: Connection, session: Handle): Promise<() => void> {
    const pin = await readInTime(readPin)
    checkMayLogIn(token.identity, pin)
    return () => logIn({ module, token, session, pin, user: 'contextSpecific' })
  }

  function giveBack(connection: Connection, session: Handle): void {
    if (isCurrent(connection) && connection === current) connection.idle.push(session)
    else closeSession(connection, session)
  }

  /** Without a session there is no login: what comes next begins with it. */
  function drop(connection: Connection): void {
    if (connection === current) current = undefined
    for (const session of connection.idle.splice(0)) closeSession(connection, session)
  }

  async function letGo(): Promise<void> {
    const released = module
    module = undefined
    if (current) drop(current)
    await released?.release()
  }

  return {
    use(signal, act) {
      const turn = turns(async () => {
        signal.throwIfAborted()
        try {
          return await attempt(signal, act)
        } catch (error) {
          if (!isStale(error) || signal.aborted) throw error
          return await attempt(signal, act)
        } finally {
          // Whoever asks a source that is closed is answered, and leaves nothing open
          if (isClosed && turns.activeCount + turns.pendingCount === 1) await letGo()
        }
      })
      return waitUntilAborted(turn, signal)
    },
    async close() {
      isClosed = true
      await connecting?.catch(() => {})
      await letGo()
    },
  }
}

type Opened = Pick<Connection, 'module' | 'generation'>

/** Of an earlier initialisation of the module nothing is left, and its handles may be others' by now. */
function isCurrent({ module, generation }: Opened): boolean {
  return generation === module.generation()
}

function isUsable(connection: Connection | undefined): connection is Connection {
  return connection !== undefined && isCurrent(connection)
}

function openSession({ cryptoki }: SharedModule, { slot }: Token): Handle {
  return cryptoki.C_OpenSession(slot, flag.serialSession)
}

/** Whatever a module says of a session that is no longer wanted. */
function closeSession(opened: Opened, session: Handle): void {
  if (!isCurrent(opened)) return
  try {
    opened.module.cryptoki.C_CloseSession(session)
  } catch {
    // It is gone already
  }
}

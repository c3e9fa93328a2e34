/**
 * The app's own session, as koa-session makes it: in a cookie, or in a store.
 *
 * @module
 */

import type { FrameworkSession, SessionMembers } from '@countersign/core/node'
import type { ExtendableContext } from 'koa'

/** A session of koa-session. */
interface KoaSession {
  /** Where it is in the store; `undefined` for one in a cookie. */
  readonly externalKey?: string | undefined
  toJSON(): SessionMembers
  regenerate(): Promise<void>
  save(): Promise<void>
  [key: string]: unknown
}

/** The options of koa-session, as each context has them. */
interface KoaSessionOptions {
  readonly store?: { get(key: string, maxAge: unknown, about: object): Promise<object | undefined> }
  readonly maxAge?: unknown
  readonly rolling?: boolean
  encode(session: object): string
}

/** A context as koa-session extends it. */
interface SessionContext extends ExtendableContext {
  session: KoaSession | SessionMembers | null | undefined
  readonly sessionOptions: KoaSessionOptions
}

/** What koa-session adds to a session in a cookie, in bytes: when it ends. */
const extraSize = 96

/** Creates the function that reads the session of a context. `keep` is told of its cookies. */
export function createSessionReader(
  context: ExtendableContext,
  keep: (cookie: string) => void,
): () => FrameworkSession | null | undefined {
  const ctx = context as SessionContext
  let isMisplaced: boolean | undefined
  // For every request, needed or not: nothing else is made before somebody asks
  return () => {
    isMisplaced ??= isBeforeSession(ctx)
    const session = isMisplaced ? undefined : ctx.session
    if (session === null) return null
    return isKoaSession(session) ? buildSession(ctx, session, keep) : undefined
  }
}

/** Before the middleware has run, koa-session makes a session of whoever asks, which is none. */
function isBeforeSession(ctx: SessionContext): boolean {
  // Koa makes these as late; a session in a cookie asks for them
  void ctx.cookies
  const before = Reflect.ownKeys(ctx).length
  return ctx.session !== undefined && Reflect.ownKeys(ctx).length > before
}

function buildSession(
  ctx: SessionContext,
  session: KoaSession,
  keep: (cookie: string) => void,
): FrameworkSession {
  const { store } = ctx.sessionOptions
  const { externalKey } = session

  /** What it sets on the response is lost when an error is answered. */
  async function act(save: () => Promise<void>): Promise<void> {
    const before = new Set(readSetCookies(ctx))
    await save()
    for (const cookie of readSetCookies(ctx)) if (!before.has(cookie)) keep(cookie)
  }

  return {
    get: (key) => session[key],
    set(key, value) {
      if (value === undefined) delete session[key]
      else session[key] = value
    },
    members: () => session.toJSON(),
    async regenerate(members) {
      // The login comes when there is a new identifier, whatever happens meanwhile
      if (externalKey !== undefined) await act(() => session.regenerate())
      ctx.session = { ...members }
    },
    save: () => act(() => (ctx.session as KoaSession).save()),
    ...(store &&
      externalKey !== undefined && {
        async fetch() {
          const { maxAge, rolling } = ctx.sessionOptions
          return (await store.get(externalKey, maxAge, { ctx, rolling })) as SessionMembers
        },
      }),
    ...(externalKey === undefined && {
      size: () =>
        ctx.sessionOptions.encode((ctx.session as KoaSession).toJSON()).length + extraSize,
    }),
  }
}

function isKoaSession(session: object | undefined): session is KoaSession {
  return (
    session !== undefined &&
    'regenerate' in session &&
    typeof session.regenerate === 'function' &&
    'toJSON' in session
  )
}

function readSetCookies({ res }: ExtendableContext): readonly string[] {
  return [res.getHeader('set-cookie') ?? []].flat().map(String)
}

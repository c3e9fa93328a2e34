/**
 * Where the local provider keeps sessions, grants, codes and tokens: in memory, one store per
 * provider, so that two providers in one process share nothing.
 *
 * @module
 */

/** What is kept of one thing. Its members are oidc-provider's own affair. */
export interface StoredPayload {
  readonly grantId?: string
  readonly uid?: string
  readonly [member: string]: unknown
}

/** oidc-provider's adapter for one kind of thing. */
export interface StorageAdapter {
  upsert(id: string, payload: StoredPayload, expiresIn?: number): Promise<void>
  find(id: string): Promise<StoredPayload | undefined>
  findByUid(uid: string): Promise<StoredPayload | undefined>
  findByUserCode(): Promise<undefined>
  consume(id: string): Promise<void>
  destroy(id: string): Promise<void>
  revokeByGrantId(grantId: string): Promise<void>
}

/** One provider's memory. */
export interface Storage {
  /** The adapter factory that oidc-provider wants; it is given a model's name. */
  adapter(model: string): StorageAdapter
  /** Everything of one kind that has not expired. */
  list(model: string): readonly StoredPayload[]
  /** Forgets everything of these kinds, for example `'Session'`. */
  clear(...models: readonly string[]): void
}

interface Entry {
  readonly payload: StoredPayload
  /** Milliseconds, or `Infinity`. */
  readonly expiresAt: number
}

/** Creates an empty store. Expired entries are dropped when they are next asked for. */
export function createStorage(): Storage {
  const models = new Map<string, Map<string, Entry>>()

  function entriesOf(model: string): Map<string, Entry> {
    const entries = models.get(model) ?? new Map<string, Entry>()
    models.set(model, entries)
    return entries
  }

  function adapter(model: string): StorageAdapter {
    const entries = entriesOf(model)

    async function find(id: string): Promise<StoredPayload | undefined> {
      const entry = entries.get(id)
      if (entry === undefined || entry.expiresAt > Date.now()) return entry?.payload
      entries.delete(id)
      return undefined
    }

    return {
      find,
      async upsert(id, payload, expiresIn) {
        const expiresAt = expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000
        entries.set(id, { payload, expiresAt })
      },
      async findByUid(uid) {
        for (const [id, { payload }] of entries) if (payload.uid === uid) return find(id)
        return undefined
      },
      async findByUserCode() {
        return undefined
      },
      async consume(id) {
        const entry = entries.get(id)
        if (entry === undefined) return
        const consumed = Math.floor(Date.now() / 1000)
        entries.set(id, { ...entry, payload: { ...entry.payload, consumed } })
      },
      async destroy(id) {
        entries.delete(id)
      },
      // A grant covers codes and tokens of every kind, so all of them are searched.
      async revokeByGrantId(grantId) {
        for (const others of models.values()) {
          for (const [id, { payload }] of others) if (payload.grantId === grantId) others.delete(id)
        }
      },
    }
  }

  function clear(...names: readonly string[]): void {
    for (const name of names) entriesOf(name).clear()
  }

  function list(model: string): readonly StoredPayload[] {
    const valid = [...entriesOf(model).values()].filter(({ expiresAt }) => expiresAt > Date.now())
    return valid.map(({ payload }) => payload)
  }

  return { adapter, list, clear }
}

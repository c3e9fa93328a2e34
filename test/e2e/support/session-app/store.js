// Where the sessions of the app live: REDIS_URL, DATABASE_URL, or in their cookies.
import connectPgSimple from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import pg from 'pg'
import { createClient } from 'redis'

export async function openStore({ REDIS_URL, DATABASE_URL }) {
  if (REDIS_URL) {
    const client = createClient({ url: REDIS_URL })
    // Told to whoever asks something as well
    client.on('error', () => {})
    await client.connect()
    return { store: new RedisStore({ client }), close: () => client.destroy() }
  }
  if (DATABASE_URL) {
    const pool = new pg.Pool({ connectionString: DATABASE_URL })
    pool.on('error', () => {})
    const PgStore = connectPgSimple(session)
    const store = new PgStore({ pool, createTableIfMissing: true, pruneSessionInterval: false })
    return { store, close: () => pool.end() }
  }
  return { close: () => {} }
}

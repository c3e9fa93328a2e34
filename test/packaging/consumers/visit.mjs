/** Visits an app as somebody anonymous: its public page, a guarded route, and the JWK Set. */
export async function visit(server) {
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  const origin = `http://127.0.0.1:${server.address().port}`
  const home = await fetch(`${origin}/`)
  console.log(home.status, await home.text())
  const profile = await fetch(`${origin}/profile`, { headers: { accept: 'application/json' } })
  console.log(profile.status, profile.headers.get('content-type'))
  const { keys } = await (await fetch(`${origin}/.well-known/jwks.json`)).json()
  console.log(keys.length, Object.keys(keys[0]).sort().join(' '))
  server.close()
  server.closeAllConnections()
}

/**
 * Which paths are ours: those of the routes, and with several providers those below some of them.
 *
 * @module
 */

import type { Config } from './config.ts'
import { isProviderId, routesOfProviders } from './providers-config.ts'

/** A path of ours: the route, and the provider that is named below it. */
export interface OwnPath {
  readonly name: keyof Config['routes']
  readonly provider: string | undefined
}

/** Creates the function that finds what is ours. It takes paths below `baseUrl`. */
export function createOwnPaths({
  routes,
  hasSeveral,
}: Pick<Config, 'routes' | 'hasSeveral'>): (path: string) => OwnPath | undefined {
  const names = Object.keys(routes) as OwnPath['name'][]
  const byPath = new Map(names.map((name) => [routes[name], name]))
  return (path) => {
    const name = byPath.get(path)
    if (name || !hasSeveral) return name && { name, provider: undefined }
    const slash = path.lastIndexOf('/')
    const parent = byPath.get(path.slice(0, slash))
    const provider = path.slice(slash + 1)
    return parent && routesOfProviders.includes(parent) && isProviderId(provider)
      ? { name: parent, provider }
      : undefined
  }
}

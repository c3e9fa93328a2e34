/**
 * The sources of the workspace as values, and what can be read from one without a compiler.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One source file; `path` is relative to the root of the workspace. */
export interface Source {
  readonly path: string
  readonly source: string
}

/** One mention of another module. */
export interface Import {
  readonly specifier: string
  /**
   * `type`: an `import type` or `export type`, which leaves nothing behind at run time; `call`: an
   * `import()` or `require()`, which loads when it is called; `value`: any other statement.
   */
  readonly kind: 'type' | 'value' | 'call'
}

/** The root of the workspace. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Reads the files below a folder whose name ends in `suffix`. */
export function readSources(folder: string, suffix = '.ts'): readonly Source[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules' && name !== 'dist')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry): readonly Source[] => {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) return readSources(path, suffix)
      if (!entry.name.endsWith(suffix)) return []
      return [{ path, source: readFileSync(join(root, path), 'utf8') }]
    })
}

/** The names of the packages, as folders of `packages/`. */
export function readPackageNames(): readonly string[] {
  return readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

const textOrComment =
  /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(\/\*[\s\S]*?\*\/|\/\/[^\n]*)/g

/** Blanks the comments of a source; its lines stay where they are. */
export function blankComments(source: string): string {
  return source.replace(textOrComment, (text, comment?: string) =>
    comment === undefined ? text : comment.replace(/[^\n]/g, ' '),
  )
}

/** Blanks comments and the insides of texts, so that only code is left. */
export function blankTexts(source: string): string {
  return source.replace(textOrComment, (text) => text.replace(/[^\n]/g, ' '))
}

const clause = /(?:[\w$]+\s*,\s*)?(?:\*(?:\s+as\s+[\w$]+)?|\{[^}]*\}|[\w$]+)\s+from\s+/.source
const statement = new RegExp(
  `^(?:import|export)\\s+(type\\s+)?(?:${clause})?['"]([^'"]+)['"]`,
  'gm',
)
const call = /\b(?:import|require|require\.resolve|mock|doMock)\(\s*['"]([^'"]+)['"]/g

/** Reads what a source imports: statements, `import()`, `require()` and `import('x').Type`. */
export function readImports({ source }: Source): readonly Import[] {
  const code = blankComments(source)
  return [
    ...[...code.matchAll(statement)].map(
      ([, type, specifier = '']): Import => ({
        specifier,
        kind: type === undefined ? 'value' : 'type',
      }),
    ),
    ...[...code.matchAll(call)].map(([, specifier = '']): Import => ({ specifier, kind: 'call' })),
  ]
}

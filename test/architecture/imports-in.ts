/** The names that a module imports: static, for their effect, re-exported, and by `import()`. */
const IMPORT = /^import '([^']+)'|^(?:import|export)\b[^'";]*? from '([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm

export function importsIn(text: string): readonly string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

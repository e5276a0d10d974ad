/** The options of one login module, by name. */
export type JaasOptions = Readonly<Record<string, string | undefined>>

/** The options of one login module: `module flag name="value" …;` with either kind of quotes, or none. */
export function readJaas(text: string): JaasOptions {
  const option = /([\w.]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))/gs
  const options: Record<string, string> = {}
  for (const [, name = '', double, single, bare] of text.matchAll(option)) {
    options[name] = bare ?? (double ?? single ?? '').replaceAll(/\\(.)/gs, '$1')
  }
  return options
}

import type { Command, Option } from 'commander'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** A script that completes the program's commands, options and their choices; everything else is a path. */
export function completionScript(program: Command, shell: Shell): string {
  const name = program.name()
  const commands = program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: command.options,
    choices: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  }))
  return { bash, zsh, fish }[shell](name, commands)
}

interface Completed {
  readonly name: string
  readonly description: string
  readonly options: readonly Option[]
  /** Of its arguments; none: they are paths. */
  readonly choices: readonly string[]
}

function flagsOf(options: readonly Option[]): string[] {
  return [...options.flatMap(({ short, long }) => [short, long].filter(isText)), '-h', '--help']
}

function isText(value: string | undefined): value is string {
  return value !== undefined
}

/** Takes a value that is none of a few, nor a path. */
function isFree({ flags, argChoices }: Option): boolean {
  return argChoices === undefined && / <(?!dir|file|path)/.test(flags)
}

function caseOf(prefix: string, options: readonly Option[]): string[] {
  return options
    .filter(({ argChoices, long }) => argChoices !== undefined && long !== undefined)
    .map(
      ({ argChoices = [], long }) => `${prefix}${String(long)}) words="${argChoices.join(' ')}" ;;`,
    )
}

function bash(program: string, commands: readonly Completed[]): string {
  const functionName = `_${program.replaceAll('-', '_')}`
  const cases = commands.map(({ name, options, choices }) => {
    const free = options.filter(isFree).map(({ long }) => String(long))
    const arms = [...caseOf('        ', options)]
    if (free.length > 0) arms.push(`        ${free.join('|')}) noPaths=1 ;;`)
    const elsewhere = choices.length > 0 ? ` || words="${choices.join(' ')}"` : ''
    return [
      `    ${name})`,
      '      case $before in',
      ...arms,
      `        *) [[ $word == -* ]] && words="${flagsOf(options).join(' ')}"${elsewhere} ;;`,
      '      esac ;;',
    ].join('\n')
  })
  return `# bash completion of ${program}: eval "$(${program} completion bash)"
${functionName}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words= noPaths=
  COMPREPLY=()
  # --option=value is three words to bash.
  if [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $word == = ]]; then word=
  fi
  if ((COMP_CWORD == 1)); then
    words="${commands.map(({ name }) => name).join(' ')} --help --version"
  else
    case \${COMP_WORDS[1]} in
${cases.join('\n')}
    esac
  fi
  # Neither mapfile nor compopt is there in bash 3.2, which macOS has.
  [[ -n $words$noPaths ]] && compopt +o default +o bashdefault 2>/dev/null
  [[ -n $words ]] && COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -o bashdefault -F ${functionName} ${program}
`
}

function zsh(program: string, commands: readonly Completed[]): string {
  const functionName = `_${program}`
  const arms = commands.map(({ name, options, choices }) => {
    const rest = choices.length > 0 ? `1:value:(${choices.join(' ')})` : '*:path:_files'
    const specs = [...options.map(zshSpec), '(-h --help)--help', rest].map(quote)
    return `    ${name})\n      _arguments ${specs.join(' \\\n        ')} ;;`
  })
  const names = commands.map(({ name, description }) => quote(`${name}:${description}`)).join(' ')
  return `#compdef ${program}
# zsh completion of ${program}: a file _${program} in a directory of $fpath, or after compinit:
# eval "$(${program} completion zsh)"
${functionName}() {
  if ((CURRENT == 2)); then
    local -a commands=(${names})
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${arms.join('\n')}
  esac
}
if [[ $funcstack[1] == ${functionName} ]]; then
  ${functionName} "$@"
else
  compdef ${functionName} ${program}
fi
`
}

function zshSpec(option: Option): string {
  const { short, long, description, flags, argChoices } = option
  const told = description.replace(/[[\]:]/g, ' ')
  if (!flags.includes('<')) {
    return `${short === undefined ? '' : `(${short} ${String(long)})`}${String(long)}[${told}]`
  }
  const values =
    argChoices === undefined ? (isFree(option) ? '' : '_files') : `(${argChoices.join(' ')})`
  // Some are given more than once; --option value and --option=value are the same.
  return `*${String(long)}=[${told}]:value:${values}`
}

function fish(program: string, commands: readonly Completed[]): string {
  const lines = [`# fish completion of ${program}: ${program} completion fish | source`]
  const all = commands.map(({ name }) => name).join(' ')
  for (const { name, description, options, choices } of commands) {
    const start = `complete -c ${program} -n "not __fish_seen_subcommand_from ${all}"`
    lines.push(`${start} -f -a ${name} -d ${quote(description)}`)
    const within = `complete -c ${program} -n "__fish_seen_subcommand_from ${name}"`
    if (choices.length > 0) lines.push(`${within} -f -a ${quote(choices.join(' '))}`)
    for (const option of options) {
      const { short, long, description: told, flags, argChoices } = option
      const parts = [within]
      if (short !== undefined) parts.push(`-s ${short.slice(1)}`)
      parts.push(`-l ${String(long).slice(2)}`)
      if (argChoices !== undefined) parts.push(`-x -a ${quote(argChoices.join(' '))}`)
      else if (flags.includes('<')) parts.push(isFree(option) ? '-x' : '-r')
      lines.push(`${parts.join(' ')} -d ${quote(told)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** For a shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

import type { Shell } from '../options.ts'

// Each script asks `tidemark complete -- WORDS`, up to the cursor. Words go as they are written: nothing in them is ever run.

/** bash cuts words at = and : and replaces only what follows the last of them; words go whole, and what comes back is cut the same way. */
const BASH = `# bash completion for tidemark
_tidemark() {
  local line=\${COMP_LINE:0:COMP_POINT} words=() part i
  line=\${line#*"\${COMP_WORDS[0]}"}
  for ((i = 1; i <= COMP_CWORD; i++)); do
    if [[ $line == [[:space:]]* ]]; then
      line=\${line#"\${line%%[![:space:]]*}"}
      words+=('')
    fi
    part=\${COMP_WORDS[i]}
    ((i < COMP_CWORD)) || part=$line
    words[-1]+=$part
    line=\${line#"$part"}
  done
  local word=\${words[-1]} breaks=\${COMP_WORDBREAKS//[^=:]/} kept='' lines
  [[ -z $breaks ]] || kept=\${word%"\${word##*[$breaks]}"}
  mapfile -t lines < <(tidemark complete -- "\${words[@]}" 2>/dev/null)
  COMPREPLY=()
  case \${lines[-1]:-} in
    :0) compopt -o default ;;
    :16) compopt -o dirnames ;;
    *) for part in "\${lines[@]%%$'\\t'*}"; do
      [[ $part != "$word"* || $part == :4 ]] || COMPREPLY+=("\${part#"$kept"}")
    done ;;
  esac
  [[ \${#COMPREPLY[@]} -ne 1 || $COMPREPLY != *[=:] ]] || compopt -o nospace
}
complete -F _tidemark tidemark
`

/** \`_describe\` wants value:description. What is gone on with gets no space. */
const ZSH = `#compdef tidemark
_tidemark() {
  local line value
  local -a lines whole open
  lines=("\${(@f)$(tidemark complete -- "\${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  if [[ $lines[-1] == (:0|:16) ]]; then
    [[ $PREFIX != -*=* ]] || compset -P 1 '*='
    if [[ $lines[-1] == :0 ]]; then _files; else _files -/; fi
    return
  fi
  for line in $lines[1,-2]; do
    value=\${line%%$'\\t'*}
    line=\${value//:/\\\\:}\${\${line#$value}/$'\\t'/:}
    if [[ $value == *[=:] ]]; then open+=("$line"); else whole+=("$line"); fi
  done
  _describe -t values tidemark open -S '' -- whole
}
if [[ $funcstack[1] == _tidemark ]]; then _tidemark "$@"; else compdef _tidemark tidemark; fi
`

const FISH = `# fish completion for tidemark
function __tidemark_complete
    set -l word (commandline -ct)
    set -l lines (tidemark complete -- (commandline -opc)[2..-1] "$word" 2>/dev/null)
    set -l lead (string match -r -- '^-[^=]*=' "$word")
    set -l path (string replace -- "$lead" '' "$word")
    switch "$lines[-1]"
        case :0
            string replace -r -- '^' "$lead" (__fish_complete_path "$path")
        case :16
            string replace -r -- '^' "$lead" (__fish_complete_directories "$path")
        case '*'
            string match -v -- :4 $lines
    end
end
complete -c tidemark -f -a '(__tidemark_complete)'
`

/** What each shell has to be told. */
export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH }

# shellcheck shell=bash
# Completion of the command gait in bash, by the package bash-completion.  It offers the lists
# that the command itself prints: `gait --help`, `gait COMMAND --help`, `gait options`.

_gait_commands() { # GAIT
  "$1" --help 2>/dev/null | sed -n 's/^  \([a-z-]*\) .*/\1/p'
}

# An option a line, as --gogc=N or --json.
_gait_options() { # GAIT COMMAND
  "$1" "$2" --help 2>/dev/null | grep -oE '^ +(-., )?--[a-z-]+[^ ]*' | grep -oE '[-]-.*'
}

_gait_workloads() { # GAIT
  "$1" run --help 2>/dev/null | sed -nE 's/^([a-z-]+)( \[?[A-Z_]+(\.\.\.)?\]?)+$/\1/p'
}

# The options of a heap, or, with NAME, the words that are values of one, and its default.
_gait_heap() { # GAIT [NAME]
  if [ $# -eq 1 ]; then
    "$1" options 2>/dev/null | sed -n 's/^\([a-z_]*\) (.*/\1/p'
  else
    "$1" options 2>/dev/null |
      sed -n "/^$2 (/{n;s/^ *default \(.*\), range \(.*\), unit.*/\1, \2/p;}" |
      sed 's/, /\n/g' | awk 'NR == 1 || /^[a-z][a-z-]*$/' | sort -u
  fi
}

# Offers words; to bash, the text behind the last = is the word that is completed.
_gait_offer() { # WORDS
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "${cur##*=}")
}

# Completes the value of option $1, which is called $2 in the list of options.
_gait_value() {
  case $2 in
    FILE) _filedir ;;
    DIR) _filedir -d ;;
    NAME=VALUE)
      if [[ $cur == *=* ]]; then
        _gait_offer "$(_gait_heap "${words[0]}" "${cur%%=*}")"
      else
        compopt -o nospace
        _gait_offer "$(_gait_heap "${words[0]}" | sed 's/$/=/')"
      fi ;;
    *)
      value=${1#--}
      _gait_offer "$(_gait_heap "${words[0]}" "${value//-/_}")" ;;
  esac
}

# Completes an argument that is no option: a workload, or else a file.
_gait_argument() { # OPTIONS
  local i usage
  usage=$("${words[0]}" "${words[1]}" --help 2>/dev/null | head -n 1)
  if [[ $usage == *WORKLOAD* ]]; then
    for ((i = 2; i < cword; i++)); do
      case ${words[i]} in
        --*=*) ;;
        --*) grep -q "^${words[i]}=" <<<"$1" && ((i++)) ;;
        *) break ;;
      esac
    done
    [ "$i" -lt "$cword" ] || { _gait_offer "$(_gait_workloads "${words[0]}")"; return; }
  fi
  [[ $usage == *'OPTION...]' ]] || _filedir
}

_gait() {
  # shellcheck disable=SC2034
  local cur prev words cword split options value
  _init_completion -s || return
  if [ "$cword" -eq 1 ]; then
    _gait_offer "$(_gait_commands "${words[0]}") --help --version"
    return
  fi
  options=$(_gait_options "${words[0]}" "${words[1]}")
  value=$(sed -n "s/^$prev=//p" <<<"$options")
  if [[ $prev == --* && -n $value ]]; then
    _gait_value "$prev" "$value"
  elif [[ $cur == -* ]]; then
    _gait_offer "$(while IFS= read -r value; do echo "${value/=*/=}"; done <<<"$options")"
    [[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace
  else
    _gait_argument "$options"
  fi
} && complete -F _gait gait

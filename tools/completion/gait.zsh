#compdef gait
# Completion of the command gait in zsh.  It offers the lists that the command itself prints:
# `gait --help`, `gait COMMAND --help`, `gait options`.

# In reply: the lines that sed makes of a command's output, each perhaps with ":description".
_gait_listed() { # ARGUMENT... -- SED-ARGUMENT...
  local at=${@[(i)--]}
  local output=$(_call_program gait $gait ${(q)@[1,at - 1]} 2>/dev/null)
  reply=("${(@f)$(sed -nE ${@[at + 1,-1]} <<<$output)}")
}

# Options of a heap with =, then the words that are values of one.
_gait_heap() {
  local -a reply
  if compset -P 1 '*='; then
    _gait_values ${${IPREFIX%=}##*=}
  else
    _gait_listed options -- 's/^([a-z_]+) \([A-Z_]+\): ([^:]*).*/\1:\2/p'
    _describe -t heap-options 'option of a heap' reply -S =
  fi
}

# The words that are values of an option of a heap, and its default.
_gait_values() { # NAME
  local -a reply
  _gait_listed options -- "/^${1//-/_} \(/{n;s/^ *default (.*), range (.*), unit.*/\1, \2/p;}"
  compadd -- ${(u)${(s:, :)reply[1]}:#* *}
}

_gait_workloads() {
  local -a reply
  _gait_listed run --help -- 's/^([a-z-]+)( \[?[A-Z_]+(\.\.\.)?\]?)+$/\1/p'
  _describe -t workloads workload reply
}

# The specifications of a command's options, as _arguments takes them.
_gait_specifications() { # COMMAND
  local line
  _gait_listed $1 --help -- 's/^ +(-., )?(--[a-z-]+)(=[^ ]+)?( .*)?$/\2\3/p'
  for line in $reply; do
    case $line in
      *=FILE) print -r -- "${line%%=*}=:file:_files" ;;
      *=DIR) print -r -- "${line%%=*}=:folder:_files -/" ;;
      *=NAME=VALUE) print -r -- "*${line%%=*}=:option:_gait_heap" ;;
      *=*) print -r -- "${line%%=*}=:${line#*=}: _gait_values ${${line%%=*}#--}" ;;
      *) print -r -- $line ;;
    esac
  done
}

_gait() {
  local gait=$words[1] curcontext=$curcontext
  local -a reply specifications
  if (( CURRENT == 2 )); then
    _gait_listed --help -- 's/^  ([a-z-]+) +(.*)/\1:\2/p'
    reply+=(--help --version)
    _describe -t commands command reply
    return
  fi
  specifications=("${(@f)$(_gait_specifications $words[2])}")
  case $words[2] in
    run|grid) specifications+=('1:workload:_gait_workloads' '*:argument:_files') ;;
    *) specifications+=('*:file:_files') ;;
  esac
  shift words
  (( CURRENT-- ))
  _arguments -s $specifications
}

_gait "$@"

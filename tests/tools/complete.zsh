#!/usr/bin/env zsh
# complete.zsh SCRIPT GAIT: completion in zsh offers commands, options, values and workloads, as the
# command lists them.  A shell on a terminal of its own is typed to; each match that completion adds
# there is written to a file.
zmodload zsh/zpty
folder=$(mktemp -d)
trap 'rm -rf $folder' EXIT
cp $1 $folder/_gait
ln -s ${2:A} $folder/gait
touch $folder/program.log
cat >$folder/.zshrc <<'SETUP'
PROMPT='ready>'
fpath=($ZDOTDIR $fpath)
path=($ZDOTDIR $path)
autoload -Uz compinit && compinit -u -D
compadd() {
  if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
    local -a matched
    builtin compadd -A matched "$@"
    print -rl -- $matched >>$ZDOTDIR/matches
  fi
  builtin compadd "$@"
}
finish() { print >>$ZDOTDIR/ended; compstate[insert]= compstate[list]= comppostfuncs=(finish) }
comppostfuncs=(finish)
cd $ZDOTDIR
SETUP
zpty shell "ZDOTDIR=$folder TERM=dumb zsh -i" || { print "there are no terminals"; exit 77 }
zpty -r shell output '*ready>*'
failed=0

# expect LINE OFFERED...: completion offers these for a line and no others.
expect() {
  local line=$1 output found wanted
  shift
  rm -f $folder/(matches|ended)(N)
  : >>$folder/matches
  zpty -w -n shell $'\C-u'"gait $line"$'\t'
  repeat 1200; do
    [[ -e $folder/ended ]] && break
    zpty -t shell || { print "the shell has ended"; exit 1 }
    sleep 0.05
  done
  found=${(j: :)${(ou)${(f)"$(<$folder/matches)"}}}
  wanted=${(j: :)${(ou)@}}
  [[ $found == $wanted ]] || { print -r -- "gait $line: '$found', wanted '$wanted'"; failed=1 }
}

listed=(${(f)"$($2 --help | sed -n 's/^  \([a-z-]*\) .*/\1/p')"})
(( $#listed > 5 )) || { print "no commands"; failed=1 }
expect '' $listed --help --version
expect 'wh' what-if
expect 'run --t' --threads --trace
expect 'run --gogc=' 100 off
expect 'run --gogc ' 100 off
expect 'run --memory-limit=' auto off
expect 'run --option=gog' gogc
expect 'run --option=policy=' cpu-budget gogc square-root
expect 'run --json l' lru
expect 'grid --html=p' program.log
expect 'what-if p' program.log
exit $failed

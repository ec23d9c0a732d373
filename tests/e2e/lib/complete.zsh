# zsh -f complete.zsh DIRECTORY LINE: types `switchroomctl LINE<TAB>END` at a terminal, for zsh completes nowhere else, with
# the completion in DIRECTORY. Prints the line that came about.
zmodload zsh/zpty
seen=
cat > $1/setup << EOF
fpath=($1 \$fpath)
autoload -U compinit
compinit -u -D
switchroomctl () { print -r -- "[\$*]" > $1/typed }
print IT-IS-''READY
EOF
zpty shell zsh -f -i
zpty -w shell "source $1/setup"
until [[ $seen == *IT-IS-READY* ]]; do zpty -r shell part && seen+=$part; done
zpty -w -n shell "switchroomctl $2"$'\t'
zpty -w shell END
until [[ -s $1/typed ]]; do
  zpty -r -t shell part
  sleep 0.05
done
cat $1/typed

# Completion of switchroomctl for bash: methods, their keys, rooms and calls are asked from the gateway.
_switchroomctl ()
{
  local current previous words cword
  # "=" and ":" do not end a word here: a key and its value are one.
  if declare -F _get_comp_words_by_ref > /dev/null; then
    _get_comp_words_by_ref -n =: cur prev words cword
    current=$cur previous=$prev
  else
    words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
    current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  fi
  COMPREPLY=()
  case $previous in
    --config | --ca-file | --output)
      compopt -o filenames 2> /dev/null
      COMPREPLY=($(compgen -f -- "$current"))
      return ;;
    --grant)
      COMPREPLY=($(compgen -W 'roomJoin roomAdmin roomCreate roomList sip.call sip.admin canPublish canSubscribe all' -- "$current"))
      return ;;
    --url | --token | --api-key | --api-secret | --room | --identity | --name | --ttl | --timeout) return ;;
  esac
  case $current in
    *=@*)
      compopt -o filenames 2> /dev/null
      COMPREPLY=($(compgen -f -- "${current#*=@}"))
      return ;;
  esac
  # Flags such as --url tell the program where to ask.
  local connection=() i
  for ((i = 1; i < cword; i++)); do
    case ${words[i]} in
      --url | --token | --api-key | --api-secret | --config | --ca-file) connection+=("${words[i]}" "${words[i + 1]/#\~\//$HOME/}") ;;
      --url=* | --token=* | --api-key=* | --api-secret=* | --config=* | --ca-file=* | --insecure) connection+=("${words[i]}") ;;
    esac
  done
  local IFS=$'\n'
  COMPREPLY=($(command "${words[0]}" "${connection[@]}" --timeout 3 complete -- "$current" "${words[@]:1:cword - 1}" 2> /dev/null))
  compopt -o nospace 2> /dev/null
  declare -F __ltrim_colon_completions > /dev/null && __ltrim_colon_completions "$current"
  # Readline takes what stands behind "=" for a word of its own.
  if [[ $COMP_WORDBREAKS == *=* && $current == *=* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*=}"}"}")
  fi
}
complete -F _switchroomctl switchroomctl

#compdef switchroomctl
# Completion of switchroomctl for zsh: methods, their keys, rooms and calls are asked from the gateway.
local -a connection found
integer i failed=1

case ${words[CURRENT - 1]} in
  --config | --ca-file | --output)
    _files
    return ;;
  --grant)
    compadd -- roomJoin roomAdmin roomCreate roomList sip.call sip.admin canPublish canSubscribe all
    return ;;
  --url | --token | --api-key | --api-secret | --room | --identity | --name | --ttl | --timeout) return 1 ;;
esac
if compset -P '*=@'; then
  _files
  return
fi
# Flags such as --url tell the program where to ask.
for ((i = 2; i < CURRENT; i++)); do
  case ${words[i]} in
    --url | --token | --api-key | --api-secret | --config | --ca-file) connection+=("${(Q)words[i]}" "${${(Q)words[i + 1]}/#\~\//$HOME/}") ;;
    --url=* | --token=* | --api-key=* | --api-secret=* | --config=* | --ca-file=* | --insecure) connection+=("${(Q)words[i]}") ;;
  esac
done
found=("${(@f)$(command "${(Q)words[1]}" $connection --timeout 3 complete -- "${(Q)PREFIX}" "${(@Q)words[2, CURRENT - 1]}" 2> /dev/null)}")
found=(${found:#})
# One that ends with a blank is a whole word.
compadd -- "${(@)${(@M)found:#* }% }" && failed=0
compadd -S '' -- "${(@)found:#* }" && failed=0
return failed

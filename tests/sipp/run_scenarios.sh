#!/bin/bash
# Runs SIPp scenarios against a SIP server and says which pass.
#
#   tests/sipp/run_scenarios.sh [HOST [PORT]]      127.0.0.1 5060 when not given
#
# Always run: options, invite, invite_bye, register. More, each by RUN_NAME=1, or all by RUN_ALL=1 (RUN_NAME=0 then
# leaves one out):
#
#   RUN_MESSAGE RUN_INFO RUN_UPDATE RUN_PRACK RUN_SUBSCRIBE RUN_REFER RUN_REINVITE RUN_SESSION_TIMER RUN_CANCEL
#   RUN_PROXY RUN_AUTH RUN_CODECS RUN_IPV6 RUN_TLS RUN_ERRORS
#
# What else can be set:
#
#   TRANSPORT=udp              or tcp
#   SERVICE=service            who is called
#   REGISTER_USER=alice REGISTER_PASSWORD=password    who registers
#   AUTH_USER=carol AUTH_PASSWORD=password            whose calls need a password
#   STRICT=0                   1: asks for all that this gateway does, also where the RFCs leave it open
#   PRECHECK_OPTIONS=1         asks by OPTIONS before each scenario whether the server is there; 0: does not
#   PRECHECK_TIMEOUT_SEC=3     for so long
#   SCENARIO_DELAY_MS=250      between scenarios
#   SCENARIO_TIMEOUT_SEC=15    a scenario that takes longer has failed
#   PARALLEL=1                 so many scenarios side by side
#   ONLY="cancel prack"        of those that would run, only these
#   SKIP="refer"               and not these
#   LOG_DIR=/tmp               there are sipp_NAME.log and, of failed scenarios, sipp_NAME_messages.log
#   LOCAL_IP=, LOCAL_PORT=     of ours, the port of the first scenario; else the address that the server is reached
#                              from, and free ports
#   PROXY_TARGET_CSV=proxy_target.csv, REFER_TARGET_CSV=refer_target.csv    host;port of the callee of these scenarios
#   START_UAS=1                answers there with uas_invite.xml when nobody does and the host is this machine
#   IPV6_HOST=                 the server's IPv6 address; ::1 when HOST is 127.0.0.1
#   TLS_PORT=5061, TLS_CA=     its port for TLS; a file with the certificate that its own must be signed by, else any
#                              will do. Needs socat: Debian's SIPp has no TLS
#
# Status: 0 when all passed, 1 when one failed, 2 when nothing could be run.
set -u
scenarios=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die () {
  echo "run_scenarios.sh: $*" >&2
  exit 2
}

case "${1:-}" in -*) sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | grep -v '^set'; exit 2 ;; esac
host=${1:-127.0.0.1} port=${2:-5060}
host=${host#[} host=${host%]}
: "${TRANSPORT:=udp}" "${SERVICE:=service}" "${REGISTER_USER:=alice}" "${REGISTER_PASSWORD:=password}"
: "${AUTH_USER:=carol}" "${AUTH_PASSWORD:=password}" "${STRICT:=0}"
: "${PRECHECK_OPTIONS:=1}" "${PRECHECK_TIMEOUT_SEC:=3}" "${SCENARIO_DELAY_MS:=250}" "${SCENARIO_TIMEOUT_SEC:=15}"
: "${PARALLEL:=1}" "${ONLY:=}" "${SKIP:=}" "${LOG_DIR:=/tmp}" "${LOCAL_IP:=}" "${LOCAL_PORT:=}" "${START_UAS:=1}"
: "${PROXY_TARGET_CSV:=$scenarios/proxy_target.csv}" "${REFER_TARGET_CSV:=$scenarios/refer_target.csv}"
: "${IPV6_HOST:=}" "${TLS_PORT:=5061}" "${TLS_CA:=}" "${RUN_ALL:=0}"

[[ $port =~ ^[0-9]+$ ]] || die "\"$port\" is no port"
[[ $TRANSPORT = udp || $TRANSPORT = tcp ]] || die "TRANSPORT is udp or tcp, not \"$TRANSPORT\""
for name in PRECHECK_TIMEOUT_SEC SCENARIO_DELAY_MS SCENARIO_TIMEOUT_SEC PARALLEL TLS_PORT; do
  [[ ${!name} =~ ^[0-9]+$ ]] || die "$name is a number, not \"${!name}\""
done
command -v sipp > /dev/null || die 'SIPp is missing: Debian package sip-tester'
mkdir -p "$LOG_DIR" && [ -w "$LOG_DIR" ] || die "$LOG_DIR cannot be written"
[ -n "$IPV6_HOST" ] || case "$host" in 127.* | localhost) IPV6_HOST=::1 ;; *:*) IPV6_HOST=$host ;; esac

work=$(mktemp -d) || exit 2
helpers=()
finish () {
  [ ${#helpers[@]} -eq 0 ] || kill "${helpers[@]}" 2> /dev/null
  wait 2> /dev/null
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 2' INT TERM

# ---------------------------------------------------------------- what is run

# wanted SWITCH: whether RUN_SWITCH, or else RUN_ALL, says so.
wanted () {
  local name=RUN_$1
  [ "${!name:-$RUN_ALL}" = 1 ]
}

queue=()
# add NAME [WORD...]: one scenario; WORDS are options of `run`.
add () {
  [[ (-z $ONLY || " $ONLY " = *" $1 "*) && " $SKIP " != *" $1 "* ]] && queue+=("$*")
  return 0
}

choose () {
  local name
  for name in options invite invite_bye register; do add "$name"; done
  wanted MESSAGE && add message && add message_in_call
  wanted INFO && add info
  wanted UPDATE && add update
  wanted PRACK && add prack
  wanted SUBSCRIBE && add subscribe_notify
  wanted REFER && add refer csv="$REFER_TARGET_CSV"
  wanted REINVITE && add reinvite && add hold_resume
  wanted SESSION_TIMER && add session_timer && add session_timer_too_small
  wanted CANCEL && add cancel
  wanted PROXY && add proxy_invite_bye csv="$PROXY_TARGET_CSV"
  wanted AUTH && add auth_invite && add auth_wrong_password && add register_wrong_password
  wanted CODECS && add codecs && add many_media && add invite_no_offer
  wanted IPV6 && for name in options invite_bye register message prack subscribe_notify reinvite cancel auth_invite; do
    add "$name-ipv6" way=ipv6
  done
  wanted TLS && for name in options invite_bye register message info update prack subscribe_notify reinvite session_timer \
    cancel auth_invite codecs; do
    add "$name-tls" way=tls
  done
  wanted ERRORS && for name in unknown_number forbidden relay_refused method_not_allowed unknown_method require_unknown \
    event_unknown unsupported_codecs codec_change malformed_sdp not_sdp contact_not_sip max_forwards_zero \
    bye_without_dialog info_refused; do
    add "$name"
  done
  return 0
}

# ---------------------------------------------------------------- who we are

# local_address HOST: the address that packets to HOST leave from.
local_address () {
  local found
  case "$1" in 127.* | localhost) echo 127.0.0.1; return ;; ::1) echo ::1; return ;; esac
  found=$(ip -o route get "$(getent ahosts "$1" | awk 'NR == 1 { print $1 }')" 2> /dev/null | sed -n 's/.* src \([^ ]*\).*/\1/p')
  echo "$found"
}

bracketed () {
  case "$1" in *:*) echo "[$1]" ;; *) echo "$1" ;; esac
}

# ours HOST: the words that tell SIPp which address of ours to use.
ours () {
  local address=${LOCAL_IP:-$(local_address "$1")}
  [ -z "$address" ] || echo "-i $(bracketed "$address") -mi $address"
}

# listening PROTOCOL PORT: somebody on this machine has it.
listening () {
  local hex
  hex=$(printf ':%04X' "$2")
  awk -v port="$hex" 'index($2, port) == length($2) - 4 && ($4 == "0A" || $4 == "07") { found = 1 } END { exit !found }' \
    "/proc/net/$1" "/proc/net/${1}6" 2> /dev/null
}

# wait_for PROTOCOL PORT
wait_for () {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    listening "$1" "$2" && return
    sleep 0.05
  done
  return 1
}

# answer_at CSV: answers calls at the host;port of its second line, when that is this machine and nobody does.
answer_at () {
  local line target target_port
  line=$(sed -n 2p "$1" | tr -d '\r')
  IFS=';' read -r target target_port _ <<< "$line"
  [ "$START_UAS" = 1 ] && [ -n "$target_port" ] || return 0
  case "$target" in 127.* | localhost | ::1 | "$LOCAL_IP") ;; *) return 0 ;; esac
  listening "$TRANSPORT" "$target_port" && return
  (cd "$work" && TERM=dumb exec sipp -sf "$scenarios/uas_invite.xml" -i "$(bracketed "$target")" -mi "$target" \
    -p "$target_port" -t "$sipp_transport" -nostdin > /dev/null 2> "$LOG_DIR/sipp_uas_$target_port.log") &
  helpers+=($!)
  wait_for "$TRANSPORT" "$target_port" || die "uas_invite.xml does not answer at $target:$target_port: see $LOG_DIR/sipp_uas_$target_port.log"
}

# start_relay: TCP on a port of ours, TLS on the other side. Sets relay_port.
start_relay () {
  local verify=verify=0 tries
  command -v socat > /dev/null || die 'socat is missing, which scenarios over TLS need: Debian package socat, or RUN_TLS=0'
  [ -z "$TLS_CA" ] || verify="verify=1,cafile=$TLS_CA,commonname=$host"
  for ((tries = 0; tries < 20; tries++)); do
    relay_port=$((20000 + RANDOM % 12000))
    listening tcp "$relay_port" && continue
    socat "TCP-LISTEN:$relay_port,bind=127.0.0.1,fork,reuseaddr" "OPENSSL:$(bracketed "$host"):$TLS_PORT,$verify" \
      2> "$LOG_DIR/sipp_relay.log" &
    helpers+=($!)
    wait_for tcp "$relay_port" && return
  done
  die "socat could not be started: see $LOG_DIR/sipp_relay.log"
}

# ---------------------------------------------------------------- one scenario

# The scenario with the checks that stand in <!--strict strict-->, and without the lines that end in <!--lenient-->.
strictly () {
  sed -e '/<!--lenient-->/d' -e 's/<!--strict//' -e 's/strict-->//' "$1"
}

# The scenario as it is said over TLS: SIPp thinks that it speaks TCP to the relay.
over_tls () {
  sed -e 's/\[transport\]/TLS/g' -e "s/\[remote_ip\]:\[remote_port\]/$(bracketed "$host"):$TLS_PORT/g" "$1"
}

# own_port: one that no other scenario of this run takes: of LOCAL_PORT, or a free one.
own_port () {
  local candidate=$((LOCAL_PORT + 2 * number)) tries
  for ((tries = 0; tries < 40; tries++)); do
    listening udp "$candidate" || listening tcp "$candidate" || break
    candidate=$((candidate + 2 * ${#queue[@]}))
  done
  echo "$candidate"
}

# call_sipp FILE NAME SECONDS [WORD...]: over UDP, TCP, IPv6 or TLS as $way says.
call_sipp () {
  local file=$1 name=$2 seconds=$3 target=$host target_port=$port transport=$sipp_transport
  shift 3
  if [ "$STRICT" = 1 ]; then
    strictly "$file" > "$work/$name.strict.xml"
    file=$work/$name.strict.xml
  fi
  case "$way" in
    ipv6) target=$IPV6_HOST ;;
    tls)
      over_tls "$file" > "$work/$name.xml"
      file=$work/$name.xml target=127.0.0.1 target_port=$relay_port transport=t1
      ;;
  esac
  local -a words
  read -ra words <<< "$(ours "$target")"
  words+=(-p "$(own_port)")
  (cd "$work" && TERM=dumb exec sipp -sf "$file" "${words[@]}" -m 1 -t "$transport" -nostdin \
    -timeout "$seconds" -timeout_error "$@" "$(bracketed "$target"):$target_port")
}

# reason_of ERRORS LOG: one line of what SIPp says about a scenario that failed, with what was looked for when there is
# no such thing in a message (SIPp gives it some lines below).
reason_of () {
  local line
  line=$(grep -h -m 1 -oE '(Aborting call|Continuing call|Failed regexp|Regexp matched|Unable|Overall timeout|[Cc]an.t|Discarding).*' "$@" 2> /dev/null \
    | head -n 1 | tr -d '\r')
  case "$line" in
    *'looking in'*"with regexp"* | *'header'*'not found'*) ;;
    *'looking in'*) line="${line%%: looking in*} $(grep -h -m 1 -o "with regexp '[^']*'" "$1" | head -n 1)" ;;
  esac
  [ -z "$line" ] || echo "$line"
}

# run NAME [way=WAY] [csv=FILE]: 0 when it passed. What went wrong is the last line of sipp_NAME.log.
run () {
  local name=$1 way='' csv='' log=$LOG_DIR/sipp_$1.log messages=$LOG_DIR/sipp_$1_messages.log word user=$SERVICE
  shift
  for word in "$@"; do
    case "$word" in way=*) way=${word#*=} ;; csv=*) csv=${word#*=} ;; esac
  done
  local scenario=${name%-*}
  rm -f "$log" "$messages" "$log.errors"
  if [ "$PRECHECK_OPTIONS" = 1 ] && ! call_sipp "$scenarios/precheck.xml" "precheck-$name" "$PRECHECK_TIMEOUT_SEC" > "$log" 2>&1; then
    echo "OPTIONS got no answer before the scenario (PRECHECK_OPTIONS=0: does not ask)" >> "$log"
    return 1
  fi
  local -a words=()
  case "$scenario" in
    register*) user=$REGISTER_USER words=(-au "$REGISTER_USER" -ap "$REGISTER_PASSWORD") ;;
    auth_*) csv=$work/credentials.csv ;;
  esac
  [ -z "$csv" ] || words+=(-inf "$csv")
  call_sipp "$scenarios/$scenario.xml" "$name" "$SCENARIO_TIMEOUT_SEC" -s "$user" "${words[@]}" \
    -trace_err -error_file "$log.errors" -trace_msg -message_file "$messages" > "$log" 2>&1
  local status=$?
  if [ $status = 0 ]; then
    rm -f "$messages"
  else
    reason_of "$log.errors" "$log" > "$work/$name.reason"
    [ -s "$work/$name.reason" ] || echo "not finished within $SCENARIO_TIMEOUT_SEC s, or SIPp failed (status $status)" > "$work/$name.reason"
    cat "$work/$name.reason" >> "$log"
  fi
  rm -f "$log.errors"
  return $status
}

# report: the results of what has ended, in the order of the queue.
shown=0 passed=0 failed=0 unreached=0
report () {
  local name status seconds why
  while [ "$shown" -lt "$1" ] && [ -f "$work/result.$shown" ]; do
    read -r name status seconds < "$work/result.$shown"
    if [ "$status" = 0 ]; then
      passed=$((passed + 1))
      printf 'PASS  %-26s %5.1f s\n' "$name" "$seconds"
    else
      failed=$((failed + 1))
      why=$(tail -n 1 "$LOG_DIR/sipp_$name.log")
      [ "${why#OPTIONS got no answer}" = "$why" ] || unreached=$((unreached + 1))
      printf 'FAIL  %-26s %5.1f s  %s\n' "$name" "$seconds" "$why"
      [ ! -f "$LOG_DIR/sipp_${name}_messages.log" ] || echo "      messages: $LOG_DIR/sipp_${name}_messages.log"
    fi
    shown=$((shown + 1))
  done
}

# in_background NUMBER NAME [WORD...]
in_background () {
  local number=$1 began status
  shift
  began=$(date +%s%N)
  run "$@"
  status=$?
  echo "$1 $status $(awk "BEGIN { print ($(date +%s%N) - $began) / 1e9 }")" > "$work/result.part.$number"
  mv "$work/result.part.$number" "$work/result.$number"
}

# ---------------------------------------------------------------- all of them

sipp_transport=u1
: "${LOCAL_PORT:=$((22000 + RANDOM % 4000 * 2))}"
[ "$TRANSPORT" = tcp ] && sipp_transport=t1
if [ -z "$IPV6_HOST" ] && wanted IPV6; then
  echo 'SKIP  IPv6: IPV6_HOST does not say where'
  RUN_IPV6=0
fi
choose
[ ${#queue[@]} -gt 0 ] || die "nothing to run: ONLY=\"$ONLY\" SKIP=\"$SKIP\""
printf 'SEQUENTIAL\n%s;[authentication username=%s password=%s];[authentication username=%s password=not-the-password]\n' \
  "$AUTH_USER" "$AUTH_USER" "$AUTH_PASSWORD" "$AUTH_USER" > "$work/credentials.csv"
case " ${queue[*]} " in *' refer '*) answer_at "$REFER_TARGET_CSV" ;; esac
case " ${queue[*]} " in *' proxy_invite_bye '*) answer_at "$PROXY_TARGET_CSV" ;; esac
case " ${queue[*]} " in *way=tls*) start_relay ;; esac

echo "Target $(bracketed "$host"):$port over $TRANSPORT, ${#queue[@]} scenarios; logs: $LOG_DIR/sipp_*.log"
jobs=()
for number in "${!queue[@]}"; do
  read -ra words <<< "${queue[$number]}"
  while [ "$(ls "$work" | grep -c '^result\.[0-9]')" -le $((number - PARALLEL)) ]; do sleep 0.05; report "$number"; done
  if [ "$unreached" -ge 3 ] && [ "$unreached" = "$shown" ]; then
    echo "Nobody answers there: is the server running? The other $((${#queue[@]} - number)) scenarios are left out."
    break
  fi
  [ "$number" = 0 ] || [ "$SCENARIO_DELAY_MS" = 0 ] || sleep "$(awk "BEGIN { print $SCENARIO_DELAY_MS / 1000 }")"
  in_background "$number" "${words[@]}" &
  jobs+=($!)
done
wait "${jobs[@]}"
report "${#queue[@]}"
echo "Passed: $passed  Failed: $failed"
[ "$failed" = 0 ]

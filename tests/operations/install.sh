#!/bin/bash
# What `meson install` installs is whole, and what starts it knows it: install.sh BUILD_DIRECTORY SOURCE_DIRECTORY
# Prints TAP. Tools that are not there are skipped.
set -u
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
n=0

# check NAME COMMAND...: its output is shown when it fails.
check () {
  local name=$1 output
  shift
  n=$((n + 1))
  if output=$("$@" 2>&1); then
    echo "ok $n - $name"
  else
    echo "not ok $n - $name"
    sed 's/^/# /' <<< "$output"
  fi
}

skip () {
  n=$((n + 1))
  echo "ok $n - $1 # SKIP $2"
}

# installed_at PATTERN: the one file below the root whose path ends so.
installed_at () {
  find "$root" -path "*$1" | head -n 1
}

are_there () {
  local path
  for path in /bin/switchroom /bin/switchroomctl /switchroom/switchroom.yaml /systemd/system/switchroom.service \
    /sysusers.d/switchroom.conf /logrotate.d/switchroom /completions/switchroomctl /_switchroomctl /switchroomctl.fish \
    /doc/switchroom/OPERATIONS.md /doc/switchroom/API.md; do
    [ -n "$(installed_at "$path")" ] || { echo "no $path"; return 1; }
  done
}

is_private () {
  [ "$(stat -c %a "$(installed_at /switchroom/switchroom.yaml)")" = 640 ]
}

runs () {
  "$(installed_at /bin/switchroom)" --check-config --config "$(installed_at /switchroom/switchroom.yaml)" &&
    "$(installed_at /bin/switchroom)" --version | grep -q '^switchroom [0-9]'
}

# Whatever is named in the unit is what was installed, and the manager finds nothing to say about it.
unit_is_good () {
  local unit said
  unit=$(installed_at /systemd/system/switchroom.service)
  if grep -n '@' "$unit" | grep -v '@system-service'; then return 1; fi
  mkdir -p "$work/unit"
  sed "s|^ExecStart=/|ExecStart=$root/|" "$unit" > "$work/unit/switchroom.service"
  said=$(systemd-analyze verify "$work/unit/switchroom.service" 2>&1) && [ -z "$said" ] || { echo "$said"; return 1; }
  [ -x "$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$work/unit/switchroom.service")" ] &&
    [ -f "$root$(sed -n 's/.*--config \([^ ]*\).*/\1/p' "$unit")" ]
}

# Whoever the container runs as can read the configuration that is in it.
container_reads () {
  sed -n '/^FROM debian:12-slim/,$p' "$source/Containerfile" | tr -d '\n\\' | grep -q 'useradd .* switchroom.*chgrp -R switchroom /etc/switchroom.*USER switchroom'
}

# Where the log rotates, the unit lets the gateway write.
unit_may_log () {
  [ "$(head -n 1 "$(installed_at /logrotate.d/switchroom)")" = '/var/log/switchroom/*.log {' ] &&
    grep -qx LogsDirectory=switchroom "$(installed_at /systemd/system/switchroom.service)"
}

# Every library that the program needs comes with a package of the container.
container_is_whole () {
  local library path package wanted missing=0
  wanted=$(sed -n '/^FROM debian:12-slim/,/&& rm/p' "$source/Containerfile")
  for library in $(objdump -p "$(installed_at /bin/switchroom)" | awk '/NEEDED/ { print $2 }'); do
    path=$(/sbin/ldconfig -p | awk -v name="$library" '$1 == name { print $NF; exit }')
    package=$(dpkg -S "$(readlink -f "$path")" 2> /dev/null || dpkg -S "$path" 2> /dev/null) || continue # no package's
    package=${package%%:*}
    case $package in libc6 | libgcc-s1 | libasan* | libubsan* | libstdc++6) continue ;; esac
    grep -qw -- "$package" <<< "$wanted" || { echo "Containerfile lacks $package for $library"; missing=1; }
  done
  return $missing
}

check 'meson install' env DESTDIR="$root" meson install -C "$build" --no-rebuild --quiet
check 'everything is there' are_there
check 'the configuration is not for everybody to read' is_private
check 'the installed program takes the installed configuration' runs
check 'the unit may write the log that is rotated' unit_may_log
check 'the container may read its configuration' container_reads
if command -v systemd-analyze > /dev/null; then check 'the unit' unit_is_good; else skip 'the unit' 'no systemd-analyze'; fi
if command -v systemd-sysusers > /dev/null; then
  check 'the user' systemd-sysusers --root="$root" --dry-run "$(installed_at /sysusers.d/switchroom.conf)"
else skip 'the user' 'no systemd-sysusers'; fi
if command -v logrotate > /dev/null; then
  check 'log rotation' logrotate -d -s "$work/state" "$(installed_at /logrotate.d/switchroom)"
else skip 'log rotation' 'no logrotate'; fi
if command -v dpkg > /dev/null && command -v objdump > /dev/null; then check 'packages of the container' container_is_whole
else skip 'packages of the container' 'no Debian'; fi
echo "1..$n"

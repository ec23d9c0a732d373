# Sourced by tools/run and tools/test: the Debian packages and how they get installed.
# Why each one is needed stands in README.md, "Dependencies".

BUILD_PACKAGES=(gcc libc6-dev pkgconf meson ninja-build python3
  libglib2.0-dev libsofia-sip-ua-dev libsofia-sip-ua-glib-dev libnice-dev libssl-dev libsrtp2-dev
  libopus-dev libspandsp-dev libspeexdsp-dev libwebsockets-dev libwebsockets-evlib-uv libuv1-dev
  libjansson-dev libjwt-dev libyaml-dev libhiredis-dev libsqlite3-dev libcurl4-openssl-dev libprotobuf-c-dev protobuf-c-compiler libsndfile1-dev)

# For tools/fuzz only.
FUZZ_PACKAGES=(clang libclang-rt-dev)

# For tools/capacity only: what is measured beside us.
CAPACITY_PACKAGES=(janus)

# For tools/beside --profile only.
PROFILE_PACKAGES=(linux-perf)

TEST_PACKAGES=(sip-tester baresip-core linphone-cli kamailio kamailio-tls-modules socat espeak-ng logrotate chromium fonts-dejavu-core zsh fish
  clang-format clang-tidy cppcheck)

fail () {
  echo "$0: $*" >&2
  exit 1
}

# Prints those of its arguments that are not installed. One call of dpkg-query, so that it costs no time.
missing_packages () {
  local installed
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2> /dev/null | sed -n 's/ installed$//p')
  local package
  for package in "$@"; do
    grep -qxF "$package" <<< "$installed" || echo "$package"
  done
}

# Installs those of its arguments that are missing, with sudo when not root.
install_packages () {
  local missing
  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    echo "$0: this is no Debian: install what corresponds to these packages, then go on:" >&2
    echo "  $*" >&2
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  local become=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null \
      || fail "these Debian packages are missing, and there is no sudo to install them: run as root
  apt-get install ${missing[*]}"
    become=(sudo)
  fi
  echo "Installing ${missing[*]}" >&2
  "${become[@]}" apt-get update -q >&2 || echo "$0: apt-get update failed, trying with the old lists" >&2
  "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2 \
    || fail "apt-get could not install ${missing[*]}"
}

# Debian's meson first: another one in the path may be made for another Python.
meson_command () {
  if [ -x /usr/bin/meson ]; then echo /usr/bin/meson; else command -v meson || fail "meson is missing"; fi
}

# The programs, without their tests: what BUILD_TARGETS is for those who only want to run them.
PROGRAMS=(gateway/switchroom tools/ctl/switchroomctl tools/load/switchroom-load)

# build_tree DIRECTORY OPTION...: sets the build directory up when it is not, and builds BUILD_TARGETS, or without it
# everything. Its output is shown only when the build fails, or on a terminal.
build_tree () {
  local directory=$1 log
  shift
  log=$(mktemp)
  if [ ! -f "$directory/build.ninja" ]; then
    rm -rf "$directory"
    echo "Building in $directory, which takes a minute or two the first time" >&2
    "$(meson_command)" setup "$directory" "$@" > "$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; fail "meson setup failed"; }
  fi
  if [ -t 1 ]; then
    ninja -C "$directory" ${BUILD_TARGETS[@]+"${BUILD_TARGETS[@]}"} || { rm -f "$log"; fail "the build failed"; }
  else
    ninja -C "$directory" ${BUILD_TARGETS[@]+"${BUILD_TARGETS[@]}"} > "$log" 2>&1 || { tail -n 100 "$log" >&2; rm -f "$log"; fail "the build failed"; }
  fi
  rm -f "$log"
}

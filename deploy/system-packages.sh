#!/usr/bin/env bash
# Installs those Debian packages of system-packages.txt (or of the arguments) that are missing.
# Where it cannot, it says what to install and goes on: what needs them says so itself.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
wanted=("$@")
if ((${#wanted[@]} == 0)); then
    mapfile -t wanted < <(sed 's/#.*//' "$here/system-packages.txt" | xargs -n 1)
fi

# The program of a package, where one shows that it is there, whoever installed it.
declare -A programs=([clickhouse-server]=clickhouse-server [prometheus]=promtool [default-jre-headless]=java [maven]=mvn [npm]=npm [chromium]=chromium [wrk]=wrk)

missing=()
for package in "${wanted[@]}"; do
    program=${programs[$package]:-}
    if [[ -n $program ]] && PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null; then
        continue
    fi
    if command -v dpkg >/dev/null && dpkg -s "$package" >/dev/null 2>&1; then
        continue
    fi
    missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    exit 0
fi
if ((EUID == 0)) && command -v apt-get >/dev/null; then
    echo "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    if { apt-get update -qq && apt-get install -qq --yes --no-install-recommends "${missing[@]}"; } </dev/null >/dev/null; then
        exit 0
    fi
    echo "apt-get could not install them" >&2
fi
echo "please install: ${missing[*]} (Debian: sudo apt-get install ${missing[*]})" >&2

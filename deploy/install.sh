#!/usr/bin/env bash
# From a bare Debian 12 or 13 to three zones under three users. As root, in the folder of this tree:
#
#   deploy/install.sh [--tor] [--tls HOST] [OPTIONS OF fieldreport init]
#   deploy/install.sh --tor --name "The Border Post"
#
#   --tor        an onion service for the letterbox
#   --tls HOST   nginx before the letterbox at HOST, with the certificate in /etc/nginx/fieldreport.crt and fieldreport.key
#
# `init` prints passphrase, second factor and recovery shares once: have pen and paper ready, and nobody behind you.
# Run again, it does what is missing and changes nothing else; in the folder of another version it installs that one.
set -euo pipefail
cd "$(dirname "$0")/.."

program=/opt/fieldreport
place=/srv/fieldreport
say() { printf '\n== %s\n' "$*"; }
stop() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

tor="" host="" init=()
while [ "$#" -gt 0 ]; do
    case "$1" in
        --tor) tor=yes ;;
        --tls)
            host="${2:-}"
            [[ "$host" =~ ^[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$ ]] || stop "--tls needs the letterbox's name, such as letters.example.org"
            shift
            ;;
        *) init+=("$1") ;;
    esac
    shift
done

[ "$(id -u)" = 0 ] || stop "run this as root"
. /etc/os-release
case "${ID:-}-${VERSION_ID:-}" in
    debian-12 | debian-13) ;;
    *) stop "this is made for Debian 12 and 13; deploy/README.md has the single steps" ;;
esac
[ -z "$host" ] || { [ -s /etc/nginx/fieldreport.crt ] && [ -s /etc/nginx/fieldreport.key ]; } ||
    stop "put the certificate of $host and its key into /etc/nginx/fieldreport.crt and /etc/nginx/fieldreport.key first"
systemd=""
[ ! -d /run/systemd/system ] || systemd=yes
umask 022

say "Debian's packages"
packages=(python3-venv)
[ -z "$tor" ] || packages+=(tor)
[ -z "$host" ] || packages+=(nginx libnginx-mod-stream openssl)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        -o Dpkg::Options::=--force-confold "${missing[@]}" # what was configured here before stays
fi

say "The program, in $program"
version="$(find fieldreport pyproject.toml deploy/*requirements.txt -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum)"
if [ "$(cat "$program/installed" 2>/dev/null)" != "$version" ]; then
    if [ -n "$systemd" ] && systemctl is-active --quiet 'fieldreport-*'; then
        stop "another version runs: make a backup and stop the zones (systemctl stop 'fieldreport-*') first"
    fi
    rm -f "$program/installed"
    python3 -m venv "$program"
    "$program/bin/pip" install --quiet --require-hashes --only-binary :all: -r deploy/build-requirements.txt -r deploy/requirements.txt
    # From a copy: what an earlier build left beside the sources would be installed as well.
    copy="$(mktemp -d)"
    cp -r fieldreport pyproject.toml README.md "$copy"
    "$program/bin/pip" install --quiet --force-reinstall --no-deps --no-build-isolation "$copy"
    rm -rf "$copy"
    echo "$version" >"$program/installed"
fi
ln -sfn "$program/bin/fieldreport" /usr/local/bin/fieldreport
fieldreport --help >/dev/null

say "A user for each zone"
install -D -m 644 deploy/systemd/sysusers.conf /etc/sysusers.d/fieldreport.conf
systemd-sysusers

say "The newsroom, in $place"
if [ ! -e "$place/intake.toml" ]; then
    [ -e "$place/fieldreport.toml" ] || (umask 077 && fieldreport init "$place" "${init[@]}")
    fieldreport split "$place" >/dev/null
fi

changed=""
# set KEY VALUE: in [intake], unless it is there.
set_() {
    grep -Eq "^$1 *=" "$place/intake.toml" || { sed -i "/^\[intake\]/a $1 = $2" "$place/intake.toml" && changed=yes; }
}
trust() {
    set_ trusted_hosts '["127.0.0.1", "localhost"]'
    grep -E '^trusted_hosts *=' "$place/intake.toml" | grep -qF "\"$1\"" ||
        { sed -i "s/^trusted_hosts *= *\[/&\"$1\", /" "$place/intake.toml" && changed=yes; }
}

if [ -n "$tor" ]; then
    say "Tor"
    install -D -m 644 -t /etc/tor/fieldreport deploy/tor/intake.torrc
    grep -qxF '%include /etc/tor/fieldreport/*.torrc' /etc/tor/torrc || echo '%include /etc/tor/fieldreport/*.torrc' >>/etc/tor/torrc
    address=/var/lib/tor/fieldreport-intake/hostname
    [ -s "$address" ] || service tor restart
    for _ in $(seq 60); do [ -s "$address" ] || sleep 0.5; done
    [ -s "$address" ] || stop "tor made no address; journalctl -u tor@default says why"
    onion="$(cat "$address")"
    trust "$onion"
    set_ onion "\"$onion\""
    set_ proxy_protocol true
fi

if [ -n "$host" ]; then
    say "nginx"
    # The letterbox alone; a link between two machines is in the file for those who have one.
    sed '/# The link, where/,$d' deploy/nginx/fieldreport.conf >/etc/nginx/fieldreport.conf
    echo "}" >>/etc/nginx/fieldreport.conf
    if dpkg --compare-versions "$(openssl version | cut -d ' ' -f 2)" lt 3.5; then
        sed -i -e '/^ *ssl_ecdh_curve/d' -e 's/^\( *\)#ssl_ecdh_curve/\1ssl_ecdh_curve/' /etc/nginx/fieldreport.conf
        echo "This OpenSSL has no post-quantum key agreement: who records the connections of $host today may read them some day."
    fi
    rm -f /etc/nginx/sites-enabled/default
    sed -i 's/^\(\s*worker_connections\) .*;/\1 9000;/' /etc/nginx/nginx.conf
    grep -q '^worker_rlimit_nofile' /etc/nginx/nginx.conf || sed -i '1i worker_rlimit_nofile 20000;' /etc/nginx/nginx.conf
    grep -qxF 'include /etc/nginx/fieldreport.conf;' /etc/nginx/nginx.conf || echo 'include /etc/nginx/fieldreport.conf;' >>/etc/nginx/nginx.conf
    nginx -q -t
    service nginx restart
    trust "$host"
    set_ https true
    set_ proxy_protocol true
fi

say "A unit for each zone"
install -D -m 644 deploy/systemd/tmpfiles.conf /etc/tmpfiles.d/fieldreport.conf
cp -r deploy/systemd/fieldreport-* /etc/systemd/system/
if [ -n "$systemd" ]; then
    systemctl daemon-reload
    [ -z "$changed" ] || systemctl try-restart fieldreport-intake
    systemctl enable --now fieldreport-intake fieldreport-link fieldreport-desk fieldreport-press
else
    echo "systemd does not run here. These serve the newsroom:"
    fieldreport split "$place"
fi

say "What is left to do"
cat <<EOF
For each editor:   runuser -u fieldreport-desk -- fieldreport --settings $place/desk.toml staff add HANDLE
Then look:         runuser -u fieldreport-desk -- fieldreport --settings $place/desk.toml doctor
                   runuser -u fieldreport-intake -- fieldreport --settings $place/intake.toml doctor
The desk:          http://127.0.0.1:8001, on this machine
The site:          http://127.0.0.1:8002; deploy/caddy/Caddyfile brings it to readers
The letterbox:     ${onion:+http://$onion  }${host:+https://$host}
The firewall:      deploy/nftables.conf, which replaces all rules: edit its ports first
EOF

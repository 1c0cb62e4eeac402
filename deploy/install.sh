#!/usr/bin/env bash
# From a bare Debian 12 or 13 to three zones under three users. As root, in the folder of this tree:
#
#   deploy/install.sh [--tor] [--tls HOST] [--link ADDRESS.onion] [OPTIONS OF fieldreport init]
#   deploy/install.sh --tor --name "The Border Post"
#
#   --tor        an onion service for the letterbox, and for the link where the desk is on another machine
#   --tls HOST   nginx before the letterbox at HOST, with the certificate in /etc/nginx/fieldreport.crt and fieldreport.key
#   --link ADDRESS.onion   on the desk's machine: the link of the intake on another one, through tor
#
# A machine whose /srv/fieldreport has the settings of one zone is made that zone's alone.
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

tor="" host="" link="" init=()
while [ "$#" -gt 0 ]; do
    case "$1" in
        --tor) tor=yes ;;
        --tls)
            host="${2:-}"
            [[ "$host" =~ ^[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$ ]] || stop "--tls needs the letterbox's name, such as letters.example.org"
            shift
            ;;
        --link)
            link="${2:-}"
            [[ "$link" =~ ^[a-z2-7]{56}\.onion$ ]] || stop "--link needs the link's onion address, which install.sh says on the intake's machine"
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
[ -z "$link" ] || [ -e "$place/desk.toml" ] || stop "$place/desk.toml is not there: the link begins on the desk's machine"
systemd=""
[ ! -d /run/systemd/system ] || systemd=yes
umask 022

say "Debian's packages"
packages=(python3-venv)
[ -z "$tor$link" ] || packages+=(tor openssl)
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
zones=()
look() {
    zones=()
    for zone in intake desk press; do [ ! -e "$place/$zone.toml" ] || zones+=("$zone"); done
}
look
if [ "${#zones[@]}" = 0 ]; then
    [ -e "$place/fieldreport.toml" ] || (umask 077 && fieldreport init "$place" "${init[@]}")
    fieldreport split "$place" >/dev/null
    look
fi
for zone in intake desk; do # what came from another machine belongs to that machine's users
    [ ! -e "$place/$zone" ] || [ "$(stat -c %U "$place/$zone")" = "fieldreport-$zone" ] || fieldreport split "$place" >/dev/null
done
here() { [[ " ${zones[*]} " = *" $1 "* ]]; }
[ -z "$tor$host" ] || here intake || stop "--tor and --tls are for the intake's machine"

changed="" link_onion="" client=""
# set KEY VALUE: in [intake], unless it is there.
set_() {
    grep -Eq "^$1 *=" "$place/intake.toml" || { sed -i "/^\[intake\]/a $1 = $2" "$place/intake.toml" && changed=yes; }
}
trust() {
    set_ trusted_hosts '["127.0.0.1", "localhost"]'
    grep -E '^trusted_hosts *=' "$place/intake.toml" | grep -qF "\"$1\"" ||
        { sed -i "s/^trusted_hosts *= *\[/&\"$1\", /" "$place/intake.toml" && changed=yes; }
}

include() {
    install -D -m 644 -t /etc/tor/fieldreport "deploy/tor/$1.torrc"
    grep -qxF '%include /etc/tor/fieldreport/*.torrc' /etc/tor/torrc || echo '%include /etc/tor/fieldreport/*.torrc' >>/etc/tor/torrc
}
# onion ZONE: the address of its service, once tor has made it.
onion() {
    address="/var/lib/tor/fieldreport-$1/hostname"
    [ -s "$address" ] || service tor restart >&2
    for _ in $(seq 60); do [ -s "$address" ] || sleep 0.5; done
    [ -s "$address" ] || stop "tor made no address; journalctl -u tor@default says why"
    cat "$address"
}

if [ -n "$tor" ]; then
    say "Tor"
    include intake
    if grep -Eq '^link *= *"127\.0\.0\.1:8010"' "$place/intake.toml"; then
        include link
        link_onion="$(onion link)"
    fi
    onion="$(onion intake)"
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

if [ -n "$link" ]; then
    say "The link, through tor"
    keys=/var/lib/tor/onion-auth
    install -d -o debian-tor -g debian-tor -m 700 "$keys"
    if ! grep -qs "^${link%.onion}:" "$keys/link.auth_private"; then
        secret="$(openssl genpkey -algorithm x25519 -outform DER | tail -c 32 | base32 | tr -d =)"
        install -o debian-tor -g debian-tor -m 600 /dev/null "$keys/link.auth_private"
        echo "${link%.onion}:descriptor:x25519:$secret" >"$keys/link.auth_private"
        include link-client
        service tor restart
    fi
    # The public half, of the private one: behind the head of an X25519 key (RFC 8410).
    client="$({ printf '\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x6e\x04\x22\x04\x20' && sed 's/.*://; s/$/====/' "$keys/link.auth_private" | base32 -d; } |
        openssl pkey -inform DER -pubout -outform DER | tail -c 32 | base32 | tr -d =)"
    if ! grep -qxF "link = \"http://$link\"" "$place/desk.toml"; then
        sed -i -e '/^link_proxy *=/d' -e '/^link_token *=/d' \
            -e "s|^link *=.*|link = \"http://$link\"\nlink_proxy = \"socks5://127.0.0.1:9050\"\nlink_token = \"desk/link.token\"|" "$place/desk.toml"
        [ -z "$systemd" ] || systemctl try-restart fieldreport-desk
    fi
fi

say "A unit for each zone"
install -D -m 644 deploy/systemd/tmpfiles.conf /etc/tmpfiles.d/fieldreport.conf
cp -r deploy/systemd/fieldreport-* /etc/systemd/system/
if [ -n "$systemd" ]; then
    systemctl daemon-reload
    [ -z "$changed" ] || systemctl try-restart fieldreport-intake
    ! here intake || systemctl enable --now fieldreport-intake fieldreport-link
    ! here desk || systemctl enable --now fieldreport-desk
    ! here press || systemctl enable --now fieldreport-press
else
    echo "systemd does not run here. These serve the newsroom:"
    fieldreport split "$place"
fi

say "What is left to do"
run() { echo "runuser -u fieldreport-$1 -- fieldreport --settings $place/$1.toml $2"; }
if here desk; then
    cat <<EOF
For each editor:   $(run desk "staff add HANDLE")
Then look:         $(run desk doctor)
The desk:          http://127.0.0.1:8001, on this machine
The site:          http://127.0.0.1:8002; deploy/caddy/Caddyfile brings it to readers
EOF
fi
if here intake; then
    cat <<EOF
Then look:         $(run intake doctor)
The letterbox:     ${onion:+http://$onion  }${host:+https://$host}
EOF
fi
[ -z "$link_onion" ] || echo "The link:          $link_onion; on the desk's machine: deploy/install.sh --link $link_onion"
[ -z "$client" ] || echo "Let the desk in:   on the intake's machine: echo descriptor:x25519:$client > /var/lib/tor/fieldreport-link/authorized_clients/desk.auth && systemctl restart tor@default"
echo "Backups:           make the directories as deploy/README.md says (\"Back up\"), then systemctl enable --now fieldreport-backup.timer"
echo "The firewall:      deploy/nftables.conf, which replaces all rules: edit its ports first"

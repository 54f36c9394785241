#!/bin/sh
# Fills in the templates that install.sh fills in on a machine, and makes a certificate
# until a real one is mounted at /etc/memory-server/tls.
set -eu
conf=/etc/memory-server
mkdir -p "$conf/nginx" "$conf/tls"
for name in locations tls upstream memory-server; do
    target="$conf/nginx/$name.conf"
    [ "$name" != memory-server ] || target=/etc/nginx/conf.d/default.conf
    sed -e "s|@HTTPS_PORT@|7443|g" -e "s|@HTTP_PORT@|7444|g" \
        -e "s|@NAMES@|$MEMORY_NAMES localhost 127.0.0.1|g" \
        -e "s|@CONF@|$conf|g" -e "s|@LOGS@|/var/log/nginx|g" \
        "/templates/$name.conf" >"$target"
done
if [ ! -e "$conf/tls/fullchain.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -subj "/CN=${MEMORY_NAMES%% *}" -addext "subjectAltName=DNS:${MEMORY_NAMES%% *}" \
        -keyout "$conf/tls/privkey.pem" -out "$conf/tls/fullchain.pem" 2>/dev/null
fi

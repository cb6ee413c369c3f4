mkdir -p /etc/s6/web /etc/cont-init.d
install -m 0755 run /etc/s6/web/run
install -m 0755 init /etc/cont-init.d/01-owner
install -m 0755 entrypoint /init
useradd -r -u 911 -d /config abc
mkdir /config /app && chown abc /config

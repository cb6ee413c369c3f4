mkdir -p /usr/local/etc/haproxy /var/lib/haproxy
rm -rf /var/lib/haproxy/dev
chown haproxy:haproxy /var/lib/haproxy
install -m 0644 haproxy.cfg /usr/local/etc/haproxy/haproxy.cfg

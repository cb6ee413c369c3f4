rm -rf /var/lib/haproxy/dev
chown haproxy:haproxy /var/lib/haproxy
install -m 0644 haproxy.cfg /etc/haproxy/haproxy.cfg

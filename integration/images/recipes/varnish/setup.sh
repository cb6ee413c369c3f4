install -d -o varnish -g varnish -m 0755 /var/lib/varnish
printf 'vcl 4.1;\nbackend default none;\nsub vcl_recv { return (synth(200, "varnished")); }\n' >/etc/varnish/default.vcl
install -m 0755 entrypoint /usr/local/bin/docker-varnish-entrypoint

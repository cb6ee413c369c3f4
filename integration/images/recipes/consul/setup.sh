groupadd -r consul && useradd -r -g consul -d /home/consul consul
mkdir -p /consul/data /consul/config && chown -R consul:consul /consul
install -m 0755 server /usr/local/bin/consul
install -m 0755 entrypoint /usr/local/bin/docker-entrypoint.sh

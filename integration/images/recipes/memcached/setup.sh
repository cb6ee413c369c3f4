install -m 0755 entrypoint /usr/local/bin/docker-entrypoint.sh

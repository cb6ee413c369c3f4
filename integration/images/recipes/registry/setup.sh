mkdir -p /etc/distribution /var/lib/registry
install -m 0644 config.yml /etc/distribution/config.yml
cp -L /usr/bin/docker-registry /bin/registry
install -m 0755 entrypoint /entrypoint.sh

useradd -r -d /srv/app -s /bin/sh app
install -d -o app -g app /srv/app
install -d /var/lib/gives /opt/gives/storage
install -m 0644 index.html /opt/gives/storage/index.html
install -m 0755 entrypoint /entrypoint.sh

useradd -r -m -d /srv/app -s /bin/sh app
usermod -aG audio app
install -m 0755 entrypoint /entrypoint.sh

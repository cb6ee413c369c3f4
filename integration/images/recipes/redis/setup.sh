groupmod -g 999 redis && usermod -u 999 -g 999 -d /home/redis redis
chown -R redis:redis /var/lib/redis /var/log/redis
mkdir /data && chown redis:redis /data
install -m 0755 entrypoint /usr/local/bin/docker-entrypoint.sh

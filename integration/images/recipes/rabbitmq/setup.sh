groupmod -g 999 rabbitmq && usermod -u 999 -g 999 rabbitmq
rm -rf /var/lib/rabbitmq /var/log/rabbitmq /etc/rabbitmq
mkdir -p /var/lib/rabbitmq /etc/rabbitmq/conf.d /var/log/rabbitmq /tmp/rabbitmq-ssl
printf 'loopback_users.guest = false\n' >/etc/rabbitmq/conf.d/10-defaults.conf
chown -R rabbitmq:rabbitmq /var/lib/rabbitmq /etc/rabbitmq /var/log/rabbitmq /tmp/rabbitmq-ssl
chmod 1777 /var/lib/rabbitmq /etc/rabbitmq /etc/rabbitmq/conf.d /var/log/rabbitmq
ln -sf /var/lib/rabbitmq/.erlang.cookie /root/.erlang.cookie
install -m 0755 entrypoint /usr/local/bin/docker-entrypoint.sh

mkdir -p /var/www/html /etc/phpmyadmin /sessions
printf 'shipped\n' >/etc/phpmyadmin/config.inc.php
echo 'An administration page.' >/var/www/html/index.html
chown www-data:www-data /sessions
install -m 0755 server /usr/local/bin/apache2-foreground
install -m 0755 entrypoint /docker-entrypoint.sh

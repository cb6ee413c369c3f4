mkdir -p /var/www/html /usr/src/nextcloud/config /usr/src/nextcloud/data /usr/src/nextcloud/core /usr/local/etc/php/conf.d /docker-entrypoint-hooks.d/before-starting
echo '28.0.0' >/usr/src/nextcloud/version
echo 'A page of the application.' >/usr/src/nextcloud/core/index.html
echo '/config/' >/upgrade.exclude
chown -R www-data:root /var/www && chmod -R g=u /var/www
echo 'opcache.enable=1' >/usr/local/etc/php/conf.d/opcache.ini
install -m 0755 /dev/null /usr/local/bin/php
install -m 0755 server /usr/local/bin/apache2-foreground
install -m 0755 entrypoint /entrypoint.sh

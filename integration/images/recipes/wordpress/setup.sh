rm -rf /etc/apache2/sites-enabled/* /var/www/html
install -d -o www-data -g www-data -m 1777 /var/www/html
install -m 0644 site.conf /etc/apache2/sites-enabled/000-default.conf
install -d -o www-data -g www-data /usr/src/wordpress/wp-content/uploads
install -o www-data -g www-data -m 0644 index.php /usr/src/wordpress/index.php
chmod 1777 /usr/src/wordpress/wp-content
for d in /var/lock/apache2 /var/run/apache2 /var/log/apache2; do
	rm -rf $d
	install -d -o www-data -g www-data -m 1777 $d
done
ln -sfT /dev/stderr /var/log/apache2/error.log
ln -sfT /dev/stdout /var/log/apache2/access.log
a2dismod -f mpm_event >/dev/null 2>&1 || true
a2enmod mpm_prefork php8.2
install -m 0755 foreground /usr/local/bin/apache2-foreground
install -m 0755 entrypoint /usr/local/bin/docker-entrypoint.sh

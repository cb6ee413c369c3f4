mkdir -p /var/www/html /usr/local/etc/php-fpm.d
chown www-data:www-data /var/www/html && chmod 1777 /var/www/html
printf '<?php file_put_contents("/var/www/html/log.txt", "x", FILE_APPEND); echo "served by ", get_current_user(), "\n";\n' >/var/www/html/index.php
install -m 0644 php-fpm.conf /usr/local/etc/php-fpm.conf

groupadd -r -g 101 nginx || groupadd -r nginx
useradd -r -g nginx -d /nonexistent -s /bin/false nginx
rm -rf /etc/nginx/sites-enabled /etc/nginx/sites-available /etc/nginx/modules-enabled
mkdir -p /etc/nginx/conf.d /usr/share/nginx/html /docker-entrypoint.d /var/cache/nginx
install -m 0644 nginx.conf /etc/nginx/nginx.conf
install -m 0644 default.conf /etc/nginx/conf.d/default.conf
printf 'It serves.\n' >/usr/share/nginx/html/index.html
ln -sf /dev/stdout /var/log/nginx/access.log
ln -sf /dev/stderr /var/log/nginx/error.log
install -m 0755 entrypoint /docker-entrypoint.sh

groupadd -r -g 101 nginx || groupadd -r nginx
useradd -r -g nginx -d /nonexistent -s /bin/false nginx
rm -rf /etc/nginx/sites-enabled /etc/nginx/sites-available /etc/nginx/modules-enabled
mkdir -p /etc/nginx/conf.d /etc/nginx/templates /usr/share/nginx/html /docker-entrypoint.d /var/cache/nginx
install -m 0644 nginx.conf /etc/nginx/nginx.conf
printf 'server { listen 80; location / { return 200 shipped; } }\n' >/etc/nginx/conf.d/default.conf
printf 'server { listen 80; location / { return 200 "$uri ${PAGE}\\n"; } }\n' >/etc/nginx/templates/default.conf.template
ln -sf /dev/stdout /var/log/nginx/access.log
ln -sf /dev/stderr /var/log/nginx/error.log
install -m 0755 10-listen 20-envsubst /docker-entrypoint.d/
install -m 0755 entrypoint /docker-entrypoint.sh

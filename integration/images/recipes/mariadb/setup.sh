groupmod -g 999 mysql && usermod -u 999 -g 999 mysql
find /var/lib/mysql -mindepth 1 -delete
mkdir -p /run/mysqld /docker-entrypoint-initdb.d
chown -R mysql:mysql /var/lib/mysql /run/mysqld
chmod 1777 /run/mysqld
printf '[mariadbd]\nbind-address = *\nskip-name-resolve\ninnodb-buffer-pool-size = 16M\ninnodb-log-file-size = 8M\n' >/etc/mysql/mariadb.conf.d/90-docker.cnf
sed -i 's/^bind-address/#&/' /etc/mysql/mariadb.conf.d/50-server.cnf
install -m 0755 entrypoint /usr/local/bin/docker-entrypoint.sh

groupmod -g 999 postgres && usermod -u 999 -g 999 postgres
rm -rf /var/lib/postgresql/15 /etc/postgresql/15
chown -R postgres:postgres /var/lib/postgresql /etc/postgresql /var/log/postgresql
install -d -o postgres -g postgres -m 3777 /run/postgresql
install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data
mkdir /docker-entrypoint-initdb.d
install -m 0755 entrypoint /usr/local/bin/docker-entrypoint.sh

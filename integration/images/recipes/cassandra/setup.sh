groupadd -r --gid=999 cassandra && useradd -r -g cassandra --uid=999 cassandra
mkdir -p /opt/cassandra/bin /etc/cassandra /var/lib/cassandra /var/log/cassandra
printf 'cluster_name: shipped\nlisten_address: localhost\n' >/etc/cassandra/cassandra.yaml
printf 'dc=dc1\n' >/etc/cassandra/cassandra-rackdc.properties
ln -s /etc/cassandra /opt/cassandra/conf
ln -s /var/log/cassandra /opt/cassandra/logs
ln -s /var/lib/cassandra /opt/cassandra/data
install -m 0755 server /opt/cassandra/bin/cassandra
ln -s /opt/cassandra/bin/cassandra /usr/local/bin/cassandra
chown -R cassandra:cassandra /etc/cassandra /var/lib/cassandra /var/log/cassandra
chmod 1777 /etc/cassandra /var/lib/cassandra /var/log/cassandra
install -m 0755 entrypoint /usr/local/bin/docker-entrypoint.sh

rm -rf /var/lib/influxdb && mkdir /var/lib/influxdb
printf 'reporting-disabled = true\n[meta]\n  dir = "/var/lib/influxdb/meta"\n[data]\n  dir = "/var/lib/influxdb/data"\n  wal-dir = "/var/lib/influxdb/wal"\n' >/etc/influxdb/influxdb.conf
install -m 0755 entrypoint /entrypoint.sh

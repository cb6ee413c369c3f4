rm -rf /var/lib/etcd
install -d -m 0700 /var/etcd /var/lib/etcd

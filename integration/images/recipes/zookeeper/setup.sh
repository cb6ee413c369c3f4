groupadd -r zk --gid=1000 && useradd -r -g zk --uid=1000 zk
mkdir -p /data /datalog /logs /conf /apache-zookeeper/bin
chown zk:zk /data /datalog /logs /conf
install -m 0755 entrypoint /docker-entrypoint.sh
install -m 0755 zkserver /apache-zookeeper/bin/zkServer.sh

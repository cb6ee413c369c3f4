groupadd -g 1000 elasticsearch && adduser --quiet --uid 1000 --gid 1000 --home /usr/share/elasticsearch --no-create-home --disabled-password --gecos '' elasticsearch
adduser --quiet elasticsearch root
e=/usr/share/elasticsearch
mkdir -p $e/bin $e/config/jvm.options.d $e/data $e/logs $e/plugins $e/lib
echo 'cluster.name: docker' >$e/config/elasticsearch.yml
install -m 0755 server $e/bin/elasticsearch
chmod 0775 $e/config $e/config/jvm.options.d $e/data $e/logs $e/plugins
chmod 0664 $e/config/elasticsearch.yml
chmod g=u /etc/passwd
install -m 0775 entrypoint /usr/local/bin/docker-entrypoint.sh

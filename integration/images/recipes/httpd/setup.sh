p=/usr/local/apache2
mkdir -p $p && chown www-data:www-data $p
mkdir -p $p/bin $p/conf $p/logs $p/htdocs $p/modules
cp -L /usr/sbin/apache2 $p/bin/httpd
cp /usr/lib/apache2/modules/*.so $p/modules/
cp /etc/mime.types $p/conf/
install -m 0644 httpd.conf $p/conf/httpd.conf
echo '<html><body><h1>It works!</h1></body></html>' >$p/htdocs/index.html
install -m 0755 entrypoint /usr/local/bin/httpd-foreground

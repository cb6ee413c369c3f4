t=/usr/local/tomcat
mkdir -p $t/logs $t/temp $t/work $t/webapps/ROOT $t/native-jni-lib
cp -rL /usr/share/tomcat10/bin /usr/share/tomcat10/lib $t/
cp -rL /etc/tomcat10 $t/conf
rm -rf $t/conf/policy.d $t/conf/Catalina
sed -i 's/port="8005" shutdown/port="-1" shutdown/' $t/conf/server.xml
echo 'page 2' >$t/webapps/ROOT/index.html
chmod -R +rX $t && chmod 1777 $t/logs $t/temp $t/work

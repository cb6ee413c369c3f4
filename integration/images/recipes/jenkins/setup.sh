mkdir -p /var/jenkins_home && chown 1000:1000 /var/jenkins_home
groupadd -g 1000 jenkins && useradd -d /var/jenkins_home -u 1000 -g 1000 -l -m -s /bin/bash jenkins
mkdir -p /usr/share/jenkins/ref/init.groovy.d
echo '// a script' >/usr/share/jenkins/ref/init.groovy.d/tcp.groovy
echo '<html>from the reference</html>' >/usr/share/jenkins/ref/index.html
chown -R jenkins /var/jenkins_home /usr/share/jenkins/ref
install -m 0755 entrypoint /usr/local/bin/jenkins.sh

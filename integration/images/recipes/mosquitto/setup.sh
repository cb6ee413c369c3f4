groupmod -g 1883 mosquitto && usermod -u 1883 -g 1883 mosquitto
rm -rf /etc/mosquitto /var/lib/mosquitto /var/log/mosquitto
mkdir -p /mosquitto/config /mosquitto/data /mosquitto/log
printf 'listener 1883\nallow_anonymous true\npersistence true\npersistence_location /mosquitto/data/\nautosave_interval 1\nlog_dest file /mosquitto/log/mosquitto.log\n' >/mosquitto/config/mosquitto.conf
chown -R mosquitto:mosquitto /mosquitto
install -m 0755 entrypoint /docker-entrypoint.sh

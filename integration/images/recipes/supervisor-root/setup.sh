install -m 0644 supervisord.conf /etc/supervisor/supervisord.conf

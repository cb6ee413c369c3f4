mkdir -p /prometheus
rm -rf /etc/prometheus /var/lib/prometheus
mkdir -p /etc/prometheus
printf 'global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: self\n  static_configs: [{targets: ["localhost:9090"]}]\n' >/etc/prometheus/prometheus.yml
chown -R nobody:nogroup /etc/prometheus /prometheus

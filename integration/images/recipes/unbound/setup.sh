rm -rf /etc/unbound/unbound.conf.d/*
printf 'server:\n\tinterface: 0.0.0.0\n\tport: 53\n\tdo-ip6: no\n\tuse-syslog: no\n\tusername: "unbound"\n\tchroot: ""\n\tpidfile: ""\n\tmodule-config: "iterator"\n\taccess-control: 0.0.0.0/0 allow\n\tlocal-zone: "here." static\n\tlocal-data: "name.here. A 192.0.2.7"\nremote-control:\n\tcontrol-enable: no\n' >/etc/unbound/unbound.conf

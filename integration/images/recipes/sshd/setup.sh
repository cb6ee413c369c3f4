rm -f /etc/ssh/ssh_host_*
mkdir -p /run/sshd
install -m 0755 entrypoint /entrypoint.sh

mkdir -p "$root/config/caddy" "$root/data/caddy" "$root/etc/caddy" "$root/usr/share/caddy" "$root/srv"
(cd ../../server && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$root/server" .)
setcap cap_net_bind_service=+ep "$root/server"

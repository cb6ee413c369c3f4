mkdir -p "$root/root" "$root/tmp" "$root/etc"
chmod 1777 "$root/tmp"
(cd ../../server && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$root/server" .)

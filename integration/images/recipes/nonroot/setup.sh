mkdir -p "$root/etc/ssl/certs" "$root/home/nonroot" "$root/tmp" "$root/root" "$root/usr" "$root/var/lib" "$root/run"
ln -s /run "$root/var/run"
chmod 1777 "$root/tmp"
chmod 0700 "$root/root" "$root/home/nonroot"
chown 65532:65532 "$root/home/nonroot"
printf 'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nnobody:x:65534:\ntty:x:5:\n' >"$root/etc/group"
(cd ../../server && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$root/server" .)

// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNames has the C library say whom the names of an image stand for.
func TestNames(t *testing.T) {
	const (
		passwd = "root:x:0:0:root:/root:/bin/bash\nredis:!:999:999:Redis:/data:/usr/sbin/nologin\nabc:x:911:100::/config:/bin/sh\n" +
			"many:x:1:1:a:b:c:d\nbad:x:1x:1::/:/bin/sh\n"
		group = "root:x:0:\ntty:x:5:redis\nusers:x:100:\nredis:x:999:\naudio:x:29:redis\n"
	)
	for _, c := range []struct {
		name  string
		image uint32
		// want is what getent says of the keys.
		keys, want string
	}{
		{
			"the image starts as root", 0, "passwd root redis abc 0 999 2001234567",
			"root:2001234567:/root redis:2001234567:/data abc:2001234567:/config root:0:/root redis:999:/data runclad:2001234567:/home/app",
		},
		{
			"the image starts as redis", 999, "passwd redis 999 2001234567 root",
			"redis:2001234567:/home/app redis:999:/data redis:2001234567:/home/app root:2001234567:/root",
		},
		{"the image starts as nobody in particular", 12345, "passwd 2001234567", "runclad:2001234567:/home/app"},
		{"primary groups", 0, "group root users redis 0 999 2001234567", "root:2001234567 users:2001234567 redis:2001234567 root:0 redis:999 runclad:2001234567"},
		{"other groups", 0, "group tty audio", "tty:5 audio:29"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := user
			u.Image = c.image
			f, err := Build([]byte(passwd), []byte(group), u)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for name, data := range map[string][]byte{"passwd": f.Passwd, "group": f.Group} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			script := `mount --make-rprivate / && mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && shift && getent "$@"`
			args := append([]string{"-m", "sh", "-ec", script, "sh", dir}, strings.Fields(c.keys)...)
			out, err := exec.Command("unshare", args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got []string
			for l := range strings.Lines(string(out)) {
				fields := strings.Split(strings.TrimSpace(l), ":")
				entry := fields[0] + ":" + fields[2]
				if strings.HasPrefix(c.keys, "passwd") {
					entry += ":" + fields[5]
				}
				got = append(got, entry)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got  %q\nwant %q", strings.Join(got, " "), c.want)
			}
		})
	}
}

// TestManyNames: what a hostile image can have us write is bounded.
func TestManyNames(t *testing.T) {
	line := "a:x:1:1::/:\n"
	passwd := strings.Repeat(line, 80000)
	f, err := Build([]byte(passwd), []byte(strings.Repeat("g:x:1:\n", 80000)), user)
	if err != nil {
		t.Fatal(err)
	}
	if more := len(f.Passwd) - len(passwd); more > (maxAliases+1)*60 {
		t.Errorf("%d bytes more", more)
	}
	if n := strings.Count(string(f.Group), ":2001234567:"); n != maxAliases+1 {
		t.Errorf("%d groups have our number", n)
	}
	for _, odd := range []string{"many:x:1:1:a:b:c:d", "bad:x:1x:1::/:/bin/sh", "few:x:1:1", "+nis:x:1:1::/:", " a:x:1:1::/:", "a:x:01:1::/:", ":x:1:1::/:"} {
		f, err := Build([]byte(odd+"\n"), nil, user)
		if want := ourPasswd + odd + "\n"; err != nil || string(f.Passwd) != want {
			t.Errorf("%v\n got %q\nwant %q", err, f.Passwd, want)
		}
	}
	for _, u := range []User{{UID: 0, GID: 0, Name: "root", Home: "/root"}, {UID: ours, GID: ours, Home: "/", Changes: true}} {
		f, err := Build([]byte("app:x:1:1::/:\n"), []byte("app:x:1:\n"), u)
		if err != nil || !strings.HasSuffix(string(f.Passwd), "\napp:x:1:1::/:\n") || strings.Count(string(f.Passwd)+string(f.Group), "app:") != 2 {
			t.Errorf("%+v: %v %q %q", u, err, f.Passwd, f.Group)
		}
	}
	long := strings.Repeat("n", maxAliasLine)
	f, err = Build([]byte(long+":x:1:1::/:\n"), nil, user)
	if err != nil || strings.Count(string(f.Passwd), long) != 1 {
		t.Errorf("a long line was repeated (%v)", err)
	}
}

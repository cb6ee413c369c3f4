// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const ours = 2001234567

var user = User{UID: ours, GID: ours, Home: "/home/app"}

const (
	ourPasswd = "runclad:x:2001234567:2001234567:runclad:/home/app:/bin/sh\n"
	ourGroup  = "runclad:x:2001234567:\n"
	minPasswd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
	minGroup  = "root:x:0:\nnogroup:x:65534:\n"
)

// The image's names, as the container's user.
var minAlias = alias("root", "root:/root:/bin/sh") + alias("nobody", "nobody:/:/sbin/nologin")

func alias(name, rest string) string { return name + ":x:2001234567:2001234567:" + rest + "\n" }

func groupAlias(names ...string) string {
	out := ""
	for _, name := range names {
		out += name + ":x:2001234567:\n"
	}
	return out
}

func TestBuild(t *testing.T) {
	for name, c := range map[string]struct{ image, want string }{
		"kept":         {"root:x:0:0:root:/root:/bin/bash\nwww:*:33:33::/:\n", ourPasswd + alias("root", "root:/root:/bin/bash") + alias("www", ":/:") + "root:x:0:0:root:/root:/bin/bash\nwww:*:33:33::/:\n"},
		"newline":      {"root:x:0:0::/:", ourPasswd + alias("root", ":/:") + "root:x:0:0::/:\n"},
		"CRLF":         {"root:x:0:0::/:\r\nb:x:1:1::/:\r\n", ourPasswd + alias("root", ":/:") + alias("b", ":/:") + "root:x:0:0::/:\r\nb:x:1:1::/:\r\n"},
		"our UID":      {"a:x:2001234567:0::/:\nb:x:1:2001234567::/:\n", ourPasswd + alias("b", ":/:") + "b:x:1:2001234567::/:\n"},
		"as strtoul":   {"a:x: +2001234567:0\nb:x:02001234567x:0\nc:x:6296201863:0\nd:x:-2293732729:0\n", ourPasswd},
		"not ours":     {"a:x:20012345670:0\nb:2001234567:1\nc:x:1:2001234567\n:::\n\n", ourPasswd + "a:x:20012345670:0\nb:2001234567:1\nc:x:1:2001234567\n:::\n\n"},
		"undecodable":  {"\xff\xfe:x:1:1::/:\n", ourPasswd + alias("\xff\xfe", ":/:") + "\xff\xfe:x:1:1::/:\n"},
		"empty":        {"", ourPasswd},
		"our name":     {"runclad:x:5:5::/:\n", strings.Replace(ourPasswd, "runclad", "runclad-2001234567", 1) + alias("runclad", ":/:") + "runclad:x:5:5::/:\n"},
		"its name":     {"runclad:x:5:5::/:\nrunclad-2001234567:x:6:6::/:\n", strings.Replace(ourPasswd, "runclad", "runclad-2001234567", 1) + alias("runclad", ":/:") + "runclad:x:5:5::/:\nrunclad-2001234567:x:6:6::/:\n"},
		"spaced name":  {" runclad:x:5:5::/:\n", strings.Replace(ourPasswd, "runclad", "runclad-2001234567", 1) + " runclad:x:5:5::/:\n"},
		"name in NIS":  {"+runclad::::::\n", ourPasswd + "+runclad::::::\n"},
		"only newline": {"\n", ourPasswd + "\n"},
	} {
		f, err := Build([]byte(c.image), nil, user)
		if err != nil || string(f.Passwd) != c.want {
			t.Errorf("%s: %v\n got %q\nwant %q", name, err, f.Passwd, c.want)
		}
		if !bytes.HasPrefix(f.Passwd, []byte(f.Name+":")) || !bytes.HasPrefix(f.Group, []byte(f.Name+":")) {
			t.Errorf("%s: name %s", name, f.Name)
		}
	}
	f, err := Build(nil, []byte("root:x:0:\na:x:2001234567:root\nrunclad:x:7:\n"), user)
	if want := groupAlias("runclad-2001234567", "root") + "root:x:0:\nrunclad:x:7:\n"; err != nil || string(f.Group) != want {
		t.Errorf("group: %v\n got %q\nwant %q", err, f.Group, want)
	}
	f, err = Build(nil, nil, User{UID: ours, GID: ours, Home: "/", Name: "app"})
	if want := "app:x:2001234567:2001234567:runclad:/:/bin/sh\n" + minAlias + minPasswd; err != nil || string(f.Passwd) != want {
		t.Errorf("minimal: %v\n got %q\nwant %q", err, f.Passwd, want)
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, u := range []User{
		{UID: 1, GID: 1},
		{UID: 1, GID: 1, Home: "home"},
		{UID: 1, GID: 1, Home: "/a:/bin/x"},
		{UID: 1, GID: 1, Home: "/a\nroot::0:0"},
		{UID: 1, GID: 1, Home: "/a\x00"},
		{UID: 1<<32 - 1, GID: 1, Home: "/"},
		{UID: 1, GID: 1, Home: "/", Name: "a:b"},
		{UID: 1, GID: 1, Home: "/", Name: "1a"},
		{UID: 1, GID: 1, Home: "/", Name: "-a"},
	} {
		if f, err := Build(nil, nil, u); err == nil {
			t.Errorf("%+v: %q", u, f.Passwd)
		}
	}
}

// The C library's own readers have to find the user.
func TestGetent(t *testing.T) {
	f, err := Build([]byte("+::::::\n"+strings.Repeat("x", 100000)+":x:1:1::/:\n"), nil, user)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "passwd"), f.Passwd, 0o644), os.WriteFile(filepath.Join(dir, "group"), f.Group, 0o644)); err != nil {
		t.Fatal(err)
	}
	// In a mount namespace of its own, with the files where they belong.
	script := `mount --make-rprivate / && mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && getent passwd "$2" && getent group "$2" && getent passwd runclad`
	out, err := exec.Command("unshare", "-m", "sh", "-c", script, "sh", dir, strconv.Itoa(ours)).CombinedOutput()
	if want := ourPasswd + ourGroup + ourPasswd; err != nil || string(out) != want {
		t.Errorf("%v\n got %q\nwant %q", err, out, want)
	}
}

func TestFilesForHostileImages(t *testing.T) {
	const secret = "secret:x:4242:4242::/:\n"
	type image = func(etc, outside string) error
	file := func(text string) image {
		return func(etc, _ string) error { return os.WriteFile(filepath.Join(etc, "passwd"), []byte(text), 0o644) }
	}
	link := func(target string) image {
		return func(etc, outside string) error {
			return os.Symlink(strings.ReplaceAll(target, "OUTSIDE", outside), filepath.Join(etc, "passwd"))
		}
	}
	line := "a:x:1:1:" + strings.Repeat("y", 100000) + ":/:\n"
	for name, c := range map[string]struct {
		make image
		want string // after our line
		note string
	}{
		"plain":             {make: file("root:x:0:0::/:\n"), want: alias("root", ":/:") + "root:x:0:0::/:\n"},
		"absent":            {make: func(string, string) error { return nil }, want: minAlias + minPasswd, note: "there is none"},
		"no etc":            {make: func(etc, _ string) error { return os.Remove(etc) }, want: minAlias + minPasswd, note: "there is none"},
		"etc is a file":     {make: func(etc, _ string) error { return errors.Join(os.Remove(etc), os.WriteFile(etc, nil, 0o644)) }, want: minAlias + minPasswd, note: "cannot be reached"},
		"absolute link out": {make: link("OUTSIDE/secret"), want: minAlias + minPasswd, note: "there is none"},
		"relative link out": {make: link("../../../../../../../../../../etc/passwd-none"), want: minAlias + minPasswd, note: "there is none"},
		"link to itself up": {make: link("../../../etc/passwd"), want: minAlias + minPasswd, note: "cannot be reached"},
		"etc links out":     {make: func(etc, out string) error { return errors.Join(os.Remove(etc), os.Symlink(out, etc)) }, want: minAlias + minPasswd, note: "there is none"},
		"link inside": {make: func(etc, _ string) error {
			return errors.Join(os.WriteFile(filepath.Join(etc, "real"), []byte("r:x:0:0::/:\n"), 0o644), os.Symlink("/etc/real", filepath.Join(etc, "passwd")))
		}, want: alias("r", ":/:") + "r:x:0:0::/:\n"},
		"magic link": {make: link("/proc/self/fd/0"), want: minAlias + minPasswd, note: "there is none"},
		"loop":       {make: link("passwd"), want: minAlias + minPasswd, note: "cannot be reached"},
		"long name":  {make: link(strings.Repeat("n", 300)), want: minAlias + minPasswd, note: "cannot be reached"},
		"directory":  {make: func(etc, _ string) error { return os.Mkdir(filepath.Join(etc, "passwd"), 0o755) }, want: minAlias + minPasswd, note: "not a regular file"},
		"FIFO":       {make: func(etc, _ string) error { return unix.Mkfifo(filepath.Join(etc, "passwd"), 0o644) }, want: minAlias + minPasswd, note: "not a regular file"},
		"socket":     {make: func(etc, _ string) error { return unix.Mknod(filepath.Join(etc, "passwd"), unix.S_IFSOCK|0o644, 0) }, want: minAlias + minPasswd, note: "not a regular file"},
		"/dev/zero": {make: func(etc, _ string) error {
			return unix.Mknod(filepath.Join(etc, "passwd"), unix.S_IFCHR|0o644, int(unix.Mkdev(1, 5)))
		}, want: minAlias + minPasswd, note: "not a regular file"},
		"no such device": {make: func(etc, _ string) error {
			return unix.Mknod(filepath.Join(etc, "passwd"), unix.S_IFBLK|0o644, int(unix.Mkdev(240, 200)))
		}, want: minAlias + minPasswd, note: "not a regular file"},
		"2 MiB": {make: file(strings.Repeat("a:x:1:1::/:\n", 175000)), want: minAlias + minPasswd, note: "more than 1048576"},
		"1 TiB, sparse": {make: func(etc, out string) error {
			return errors.Join(file("")(etc, out), os.Truncate(filepath.Join(etc, "passwd"), 1<<40))
		}, want: minAlias + minPasswd, note: "more than 1048576"},
		"NUL bytes": {make: file("root:x:0:0::/:\n\x00\n"), want: minAlias + minPasswd, note: "NUL"},
		"unreadable by mode": {make: func(etc, out string) error {
			return errors.Join(file("r:x:0:0::/:\n")(etc, out), os.Chmod(filepath.Join(etc, "passwd"), 0))
		}, want: alias("r", ":/:") + "r:x:0:0::/:\n"},
		"no final newline": {make: file("root:x:0:0::/:"), want: alias("root", ":/:") + "root:x:0:0::/:\n"},
		"CRLF":             {make: file("root:x:0:0::/:\r\n"), want: alias("root", ":/:") + "root:x:0:0::/:\r\n"},
		"line of 100 kB":   {make: file(line), want: line},
		"undecodable":      {make: file("\xff\xc0:x:1:1::/:\n"), want: alias("\xff\xc0", ":/:") + "\xff\xc0:x:1:1::/:\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			root, outside := filepath.Join(dir, "rootfs"), filepath.Join(dir, "outside")
			etc := filepath.Join(root, "etc")
			err := errors.Join(
				os.MkdirAll(etc, 0o755), os.Mkdir(outside, 0o755),
				os.WriteFile(filepath.Join(outside, "secret"), []byte(secret), 0o600),
				os.WriteFile(filepath.Join(outside, "passwd"), []byte(secret), 0o600),
				c.make(etc, outside))
			if err != nil {
				t.Fatal(err)
			}
			f, err := FilesFor(root, Given{}, user)
			if err != nil || string(f.Passwd) != ourPasswd+c.want {
				t.Errorf("%v, got %.300q", err, f.Passwd)
			}
			notes := strings.Join(f.Notes, "\n")
			if c.note == "" && strings.Contains(notes, "passwd") || !strings.Contains(notes, c.note) {
				t.Errorf("notes %q", f.Notes)
			}
			if bytes.Contains(f.Passwd, []byte("secret")) || !strings.HasPrefix(string(f.Group), ourGroup) || !strings.HasSuffix(string(f.Group), minGroup) {
				t.Errorf("got %q\n%q", f.Passwd, f.Group)
			}
		})
	}
	if _, err := FilesFor(filepath.Join(t.TempDir(), "none"), Given{}, user); err == nil {
		t.Error("without a root file system: accepted")
	}
}

func FuzzBuild(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/sh\n"), []byte("root:x:0:\n"), uint32(ours))
	f.Add([]byte("runclad:x:2001234567:0::/:\nrunclad-2001234567:x:1:1\n"), []byte("g:x:2001234567"), uint32(ours))
	f.Add([]byte("a:x: -1:0\n\r\n+::\n\x00"), []byte("\n\n\n"), uint32(1))
	f.Add([]byte("runclad :"), []byte("runclad\r"), uint32(ours))
	f.Fuzz(func(t *testing.T, passwd, group []byte, uid uint32) {
		if uid == 1<<32-1 {
			return
		}
		u := User{UID: uid, GID: uid, Home: "/h"}
		files, err := Build(passwd, group, u)
		if err != nil {
			t.Fatal(err)
		}
		num := strconv.FormatUint(uint64(uid), 10)
		for _, c := range []struct {
			image, out []byte
			first      string
		}{
			{passwd, files.Passwd, files.Name + ":x:" + num + ":" + num + ":runclad:/h:/bin/sh"},
			{group, files.Group, files.Name + ":x:" + num + ":"},
		} {
			if len(c.out) > 2*len(c.image)+len(c.first)+200+30*bytes.Count(c.image, []byte{'\n'}) || c.out[len(c.out)-1] != '\n' {
				t.Fatalf("%d bytes became %d, ending in %q", len(c.image), len(c.out), c.out[len(c.out)-1])
			}
			lines := strings.Split(strings.TrimSuffix(string(c.out), "\n"), "\n")
			if lines[0] != c.first {
				t.Fatalf("first line %q", lines[0])
			}
			// A plain reader, written another way than the one under test: after
			// the names that stand for us come the image's own lines.
			named := map[string]bool{}
			for _, l := range strings.Split(string(c.image), "\n") {
				named[strings.Split(l, ":")[0]] = true
			}
			ownLines := false
			for _, l := range lines[1:] {
				fields := strings.Split(l, ":")
				mine := false
				if len(fields) > 2 {
					n, err := strconv.ParseUint(fields[2], 10, 64)
					mine = err == nil && uint32(n) == uid && n < 1<<62
				}
				switch {
				case mine && ownLines:
					t.Fatalf("our ID in %q", l)
				case mine && len(c.image) > 0 && !named[fields[0]]:
					t.Fatalf("the image has no %q", fields[0])
				case !mine && len(c.image) > 0 && !bytes.Contains(c.image, []byte(l)):
					t.Fatalf("line %q is not the image's", l)
				}
				ownLines = ownLines || !mine
			}
		}
	})
}

func BenchmarkFilesFor(b *testing.B) {
	for b.Loop() {
		if _, err := FilesFor("/", Given{}, user); err != nil {
			b.Fatal(err)
		}
	}
}

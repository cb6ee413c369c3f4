// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/layers"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// A node of a small image: "dir UID MODE", "link TARGET", "fifo",
// "file UID MODE CONTENT".
type node struct{ path, what string }

func imageOf(t *testing.T, nodes []node) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "rootfs")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		p := filepath.Join(root, n.path)
		kind, rest, _ := strings.Cut(n.what, " ")
		var uid int
		var mode uint32
		var content string
		err := os.MkdirAll(filepath.Dir(p), 0o755)
		switch kind {
		case "link":
			err = errors.Join(err, os.Symlink(rest, p))
		case "fifo":
			err = errors.Join(err, unix.Mkfifo(p, 0o644))
		case "dir":
			if _, serr := fmt.Sscanf(rest, "%d %o", &uid, &mode); serr != nil {
				t.Fatal(n, serr)
			}
			err = errors.Join(err, os.MkdirAll(p, 0o755), os.Chown(p, uid, uid), unix.Chmod(p, mode))
		case "file":
			if _, serr := fmt.Sscanf(rest, "%d %o %s", &uid, &mode, &content); serr != nil {
				t.Fatal(n, serr)
			}
			err = errors.Join(err, os.WriteFile(p, []byte(content), 0o644), os.Chown(p, uid, uid), unix.Chmod(p, mode))
		}
		if err != nil {
			t.Fatal(n, err)
		}
	}
	return root
}

// base is what every distribution has.
var base = []node{
	{"tmp", "dir 0 1777"},
	{"var/tmp", "dir 0 1777"},
	{"run", "dir 0 755"},
	{"var/run", "link /run"},
	{"etc/passwd", "file 0 644 x"},
	{"usr/bin/sh", "file 0 755 \x7fELF"},
	{"root", "dir 0 700"},
	{"var/lib/dpkg/info/x.postinst", "file 0 755 #!/bin/sh"},
}

func TestPlaces(t *testing.T) {
	for _, tt := range []struct {
		name  string
		nodes []node
		user  User
		spec  string
		// want is "PATH WHY" for each place, with its flags, besides those of
		// an empty image; programs as "PATH runs".
		want []string
	}{
		{
			name: "redis: a directory of the service's", nodes: []node{{"data", "dir 999 755"}}, user: User{Cwd: "/data"},
			want: []string{"/data service empty added"},
		},
		{
			name: "the working directory of root", nodes: []node{{"app/app.py", "file 0 644 x"}}, user: User{Cwd: "/app"},
			want: []string{"/app work added"},
		},
		{
			name: "a program beside its data, and a directory of programs",
			nodes: []node{
				{"app/server", "file 0 755 \x7fELF"},
				{"app/notes", "file 0 755 text"},
				{"app/bin/tool", "file 0 755 #!/bin/sh"},
				{"app/log", "dir 0 755"},
				{"app/lib/x.so", "file 0 644 \x7fELF"},
			},
			user: User{Cwd: "/app"},
			want: []string{"/app work added", "/app/bin runs", "/app/lib runs", "/app/server runs"},
		},
		{
			name:  "many programs make a directory of them",
			nodes: []node{{"app/x/a", "file 0 755 #!a"}, {"app/x/b", "file 0 755 #!a"}, {"app/x/c", "file 0 755 #!a"}, {"app/x/d", "file 0 755 #!a"}},
			user:  User{Cwd: "/app"},
			want:  []string{"/app work added", "/app/x runs"},
		},
		{
			name: "httpd: the service's directory outside of the usual", nodes: []node{{"usr/local/apache2", "dir 33 755"}, {"usr/local/apache2/logs", "dir 0 755"}},
			user: User{Cwd: "/usr/local/apache2"},
			// logs is root's and takes new files by "added".
			want: []string{"/usr/local/apache2 service added"},
		},
		{
			name: "a user of the image writes to its own only", nodes: []node{{"data", "dir 1000 755"}, {"other", "dir 1001 755"}, {"shared", "dir 0 1777"}, {"closed", "dir 0 755"}},
			user: User{UID: 1000, GID: 1000, Cwd: "/closed"},
			want: []string{"/data service empty", "/shared service empty"},
		},
		{
			name: "clickhouse: root's directory that everybody may write to", nodes: []node{{"etc/clickhouse-server", "dir 0 777"}, {"etc/clickhouse-server/users.d", "dir 0 777"}, {"etc/other", "dir 0 775"}},
			user: User{Cwd: "/"}, spec: `{"process":{"args":["/entrypoint.sh"]}}`,
			want: []string{"/etc/clickhouse-server work added"},
		},
		{
			name: "kafka: a directory of the user's in /usr", nodes: []node{{"usr/logs", "dir 1000 755"}, {"usr/share", "dir 1000 777"}},
			user: User{UID: 1000, GID: 1000, Cwd: "/"}, want: []string{"/usr/logs service empty"},
		},
		{
			name: "by group", nodes: []node{{"g", "dir 0 775"}}, user: User{UID: 1000, GID: 0, Cwd: "/"},
			want: []string{"/g service empty"},
		},
		{
			name: "configuration of the program that is started", nodes: []node{{"etc/nginx/conf.d", "dir 0 755"}, {"etc/other/x", "file 0 644 x"}},
			user: User{Cwd: "/"}, spec: `{"process":{"args":["/entrypoint.sh","nginx","-g"]}}`,
			want: []string{"/etc/nginx state"},
		},
		{
			name:  "nginx as Debian packages it: the service's logs in a directory of root's",
			nodes: []node{{"var/log/nginx/access.log", "file 33 640 x"}, {"var/log/apt/history.log", "file 0 644 x"}},
			user:  User{Cwd: "/"},
			want:  []string{"/var/log state", "/var/log/nginx logs"},
		},
		{
			name: "the same, started as the service", nodes: []node{{"var/log/nginx/access.log", "file 33 640 x"}},
			user: User{UID: 33, GID: 33, Cwd: "/"},
		},
		{
			name: "configuration of a server that a script starts", nodes: []node{{"usr/sbin/apache2", "file 0 755 \x7fELF"}, {"etc/apache2/ports.conf", "file 0 644 x"}, {"etc/cron.d/x", "file 0 644 x"}},
			user: User{Cwd: "/"}, spec: `{"process":{"args":["apache2-foreground"]}}`,
			want: []string{"/etc/apache2 state"},
		},
		{
			name: "the same for a user of the image", nodes: []node{{"usr/sbin/apache2", "file 0 755 \x7fELF"}, {"etc/apache2/ports.conf", "file 0 644 x"}},
			user: User{UID: 33, GID: 33, Cwd: "/"},
		},
		{
			name:  "drupal: a service's directory deep in root's application",
			nodes: []node{{"opt/drupal/web/index.php", "file 0 644 x"}, {"opt/drupal/web/sites/default", "dir 33 755"}},
			user:  User{Cwd: "/opt/drupal"},
			want:  []string{"/opt/drupal parts added"},
		},
		{
			name:  "laravel as its user: the same, and one right in the working directory",
			nodes: []node{{"var/www/html/artisan", "file 0 644 x"}, {"var/www/html/bootstrap/cache", "dir 33 755"}, {"var/www/html/storage", "dir 33 755"}},
			user:  User{UID: 33, GID: 33, Cwd: "/var/www/html"},
			want:  []string{"/var/www/html parts", "/var/www/html/storage service empty"},
		},
		{
			name: "pgadmin: one file of the user's among root's", nodes: []node{{"pgadmin4/config.py", "file 0 644 x"}, {"pgadmin4/config_distro.py", "file 5050 664 x"}},
			user: User{UID: 5050, Cwd: "/pgadmin4"},
			want: []string{"/pgadmin4 parts"},
		},
		{
			name: "jetty: a directory of the service's in /tmp", nodes: []node{{"tmp/jetty", "dir 999 755"}},
			user: User{UID: 999, GID: 999, Cwd: "/"},
			want: []string{"/tmp scratch", "/tmp/jetty service empty"},
		},
		{
			name: "another user's file", nodes: []node{{"pgadmin4/config_distro.py", "file 5050 664 x"}},
			user: User{UID: 1000, Cwd: "/pgadmin4"},
		},
		{
			name: "parts of a system directory", nodes: []node{{"etc/x", "file 33 644 x"}},
			user: User{UID: 33, Cwd: "/etc"},
		},
		{
			name: "root's directories for data in /", nodes: []node{{"data/caddy", "dir 0 755"}, {"config", "dir 0 755"}, {"scripts", "dir 0 755"}},
			user: User{Cwd: "/"},
			want: []string{"/config work empty added", "/data work added"},
		},
		{
			name: "the same for a user of the image", nodes: []node{{"etc/nginx/conf.d", "dir 0 755"}},
			user: User{UID: 101, GID: 101, Cwd: "/"}, spec: `{"process":{"args":["nginx"]}}`,
		},
		{
			name: "system directories stay closed, whoever owns them",
			nodes: []node{
				{"usr", "dir 0 777"}, {"usr/share", "dir 0 777"}, {"usr/lib", "dir 33 777"}, {"usr/local/bin", "dir 33 777"}, {"etc/ssl", "dir 33 777"}, {"bin", "dir 33 777"}, {"lib", "dir 33 777"},
			},
			user: User{Cwd: "/usr/bin"},
		},
		{name: "etc as the working directory", nodes: []node{{"etc", "dir 33 755"}}, user: User{Cwd: "/etc"}},
		{name: "a service's directory that is a link to /etc", nodes: []node{{"data", "link /etc"}, {"srv/x", "link ../usr/bin"}}, user: User{Cwd: "/data"}},
		{name: "the working directory through a link", nodes: []node{{"srv/real", "dir 0 755"}, {"app", "link /srv/real"}}, user: User{Cwd: "/app"}, want: []string{"/srv/real work empty added"}},
		{name: "a link out of the image", nodes: []node{{"app", "link ../../../../../../../etc"}}, user: User{Cwd: "/app"}},
		{name: "a loop", nodes: []node{{"app", "link /app"}}, user: User{Cwd: "/app/x"}},
		{name: "a FIFO", nodes: []node{{"app", "fifo"}, {"data", "dir 999 755"}, {"data/p", "fifo"}}, user: User{Cwd: "/app"}, want: []string{"/data service added"}},
		{
			name: "what the engine mounts", nodes: []node{{"data", "dir 999 755"}, {"app/x", "dir 999 755"}}, user: User{Cwd: "/"},
			spec: `{"mounts":[{"destination":"/data","type":"bind","source":"/x"},{"destination":"/app","type":"tmpfs"}]}`,
		},
		{
			name: "presets", nodes: []node{{"usr/sbin/varnishd", "file 0 755 \x7fELF"}, {"var/lib/varnish", "dir 105 755"}, {"usr/sbin/sshd", "file 0 755 \x7fELF"}, {"etc/ssh", "dir 0 755"}},
			user: User{UID: 105, GID: 105, Cwd: "/"},
			want: []string{"/var/lib/varnish service empty exec"}, // /etc/ssh is root's, and this user could not write there
		},
		{
			name: "a preset for configuration that is replaced", nodes: []node{{"usr/sbin/sshd", "file 0 755 \x7fELF"}, {"etc/ssh/sshd_config", "file 0 644 x"}},
			user: User{Cwd: "/"}, want: []string{"/etc/ssh state"},
		},
		{
			name: "a preset for a scratch directory", nodes: []node{{"usr/share/logstash/bin/logstash", "file 0 755 #!x"}},
			user: User{UID: 1000, GID: 1000, Cwd: "/"}, want: []string{"/tmp scratch empty exec"},
		},
		{
			name: "golang and rust: root's directories that everybody may write to",
			nodes: []node{
				{"go", "dir 0 1777"},
				{"go/bin", "dir 0 1777"},
				{"go/src", "dir 0 1777"},
				{"usr/local/bundle", "dir 0 1777"},
				{"usr/local/cargo/bin/cargo", "file 0 777 \x7fELF"},
				{"usr/local/cargo", "dir 0 777"},
				{"etc/shared", "dir 0 775"},
			},
			user: User{Cwd: "/"},
			want: []string{"/go work added", "/usr/local/bundle work empty added", "/usr/local/cargo work added", "/usr/local/cargo/bin runs"},
		},
		{
			name: "the same with an application in it stays executable", nodes: installed("usr/local/bundle"), user: User{Cwd: "/"},
		},
		{
			name:  "busybox's crond: crontabs stay root's",
			nodes: []node{{"usr/bin/busybox", "file 0 755 \x7fELF"}, {"var/spool/cron/crontabs/www-data", "file 0 644 x"}}, user: User{Cwd: "/"},
			want: []string{"/var/spool state", "/var/spool/cron/crontabs work added"},
		},
		{
			name: "an application outside of the working directory", nodes: []node{{"opt/solr/bin/solr", "file 0 755 #!x"}, {"opt/solr/logs", "dir 0 755"}, {"opt/solr/data", "dir 8983 755"}},
			user: User{Cwd: "/"}, want: []string{"/opt/solr/data service empty added", "/opt/solr/logs work empty added"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			empty := map[string]bool{}
			for _, p := range list(t, imageOf(t, base), User{UID: tt.user.UID, GID: tt.user.GID, Cwd: "/"}, "{}") {
				empty[p] = true
			}
			got := list(t, imageOf(t, append(append([]node{}, base...), tt.nodes...)), tt.user, tt.spec)
			var more []string
			for _, p := range got {
				if !empty[p] {
					more = append(more, p)
				}
			}
			if fmt.Sprint(more) != fmt.Sprint(tt.want) {
				t.Errorf("places %q, want %q", more, tt.want)
			}
		})
	}
}

// installed is a directory that everybody may write to, and in which more lies
// than the search for programs is sure to reach.
func installed(dir string) []node {
	out := []node{{dir, "dir 0 1777"}}
	for i := range maxShared {
		out = append(out, node{fmt.Sprintf("%s/gems/g%d", dir, i), "file 0 755 \x7fELF"})
	}
	return out
}

// TestUsual: the places of an image that has nothing of its own.
func TestUsual(t *testing.T) {
	for _, tt := range []struct {
		user User
		want string
	}{
		{User{Cwd: "/", Home: "/root"}, "[/root home empty /run run empty /tmp scratch empty /var/lib state /var/tmp scratch empty]"},
		{User{UID: 1000, GID: 1000, Cwd: "/", Home: "/root"}, "[/run run empty /tmp scratch empty /var/tmp scratch empty]"},
	} {
		if got := fmt.Sprint(list(t, imageOf(t, base), tt.user, "{}")); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.user, got, tt.want)
		}
	}
}

// TestBounds: an image cannot ask for mounts without end.
func TestBounds(t *testing.T) {
	nodes := base
	for i := range 100 {
		nodes = append(nodes, node{fmt.Sprintf("srv/d%d", i), "dir 1000 755"}, node{fmt.Sprintf("app/p%d", i), "file 0 755 #!x"})
	}
	places, programs := 0, 0
	for _, p := range list(t, imageOf(t, nodes), User{Cwd: "/app"}, "{}") {
		if strings.HasSuffix(p, " runs") {
			programs++
		} else {
			places++
		}
	}
	if places > maxPlaces+len(usual) || programs > maxPrograms {
		t.Errorf("%d places, %d programs", places, programs)
	}
}

// TestProgramsOfLargeImages: a program is found however much lies beside it.
func TestProgramsOfLargeImages(t *testing.T) {
	nodes := append([]node{}, base...)
	files := func(dir string, n int, more ...node) {
		for i := range n {
			nodes = append(nodes, node{fmt.Sprintf("%s/f%d.jar", dir, i), "file 1000 644 x"})
		}
		nodes = append(nodes, more...)
	}
	files("app/data", 1000)
	files("app/bin", 150, node{"app/bin/x", "file 1000 755 #!x"})
	nodes = append(nodes, node{"app/run.jar", "file 1000 755 #!x"}, node{"app/data/no.jar", "file 1000 755 #!x"})
	for i := range 20 {
		files(fmt.Sprintf("app/plugins/p%d", i), 100)
		nodes = append(nodes, node{fmt.Sprintf("app/plugins/p%d/tools/tool", i), "file 1000 750 #!x"})
	}
	for i := range maxEntries + 44 {
		nodes = append(nodes, node{fmt.Sprintf("app/node_modules/m%d/index.js", i), "file 1000 644 x"})
	}
	for _, dir := range []string{"app", "app/data", "app/bin"} {
		nodes = append(nodes, node{dir, "dir 1000 755"})
	}
	got := map[string]bool{}
	for _, p := range list(t, imageOf(t, nodes), User{UID: 1000, GID: 1000, Cwd: "/app"}, "{}") {
		got[p] = true
	}
	want := []string{"/app service", "/app/run.jar runs", "/app/bin runs", "/app/node_modules runs"}
	for i := range 20 {
		want = append(want, fmt.Sprintf("/app/plugins/p%d/tools/tool runs", i))
	}
	for _, p := range want {
		if !got[p] {
			t.Errorf("no %q", p)
		}
	}
	if got["/app/data runs"] {
		t.Error("data are taken for programs")
	}
}

// TestLarge: what takes too long to look through neither hides the programs of
// another place nor those that a package manager has put into it.
func TestLarge(t *testing.T) {
	large := func(dir string, owner int) (out []node) {
		for i := range 300 {
			for _, name := range []string{"package.json", "index.js", "lib/a.js"} {
				out = append(out, node{fmt.Sprintf("%s/p%03d/%s", dir, i, name), fmt.Sprintf("file %d 644 x", owner)})
			}
		}
		return out
	}
	const tool = "file 1000 755 #!/bin/sh"
	for _, tt := range []struct {
		name  string
		nodes []node
		user  User
		want  []string
	}{
		{
			name: "a cache in the home", nodes: append(large("root/.npm/_cacache", 0), node{"app/server", "file 0 755 #!/bin/sh"}, node{"root/.nvm/v/node/v20/bin/node", "file 0 755 \x7fELF"}),
			user: User{Cwd: "/app", Home: "/root"},
			want: []string{"/app work added", "/app/server runs", "/root home", "/root/.nvm/v/node/v20/bin runs"},
		},
		{
			name: "node_modules of the user's", nodes: append(large("app/node_modules", 1000), node{"app/node_modules", "dir 1000 755"}, node{"app/node_modules/zz/cli.js", tool}),
			user: User{UID: 1000, GID: 1000, Cwd: "/app"},
		},
		{
			name: "the same in an application of the user's", nodes: append(large("app/node_modules", 1000), node{"app", "dir 1000 755"}, node{"app/node_modules/zz/cli.js", tool}),
			user: User{UID: 1000, GID: 1000, Cwd: "/app"},
			want: []string{"/app service", "/app/node_modules runs"},
		},
		{
			name: "gems, deeper than is looked", nodes: []node{{"app/vendor/bundle", "dir 1000 755"}, {"app", "dir 1000 755"}, {"app/vendor/bundle/ruby/3.3.0/gems/x/lib/x/3.3/x.so", tool}},
			user: User{UID: 1000, GID: 1000, Cwd: "/app"},
			want: []string{"/app service", "/app/vendor/bundle runs"},
		},
		{
			name: "gems where everybody may install", nodes: []node{{"usr/local/bundle", "dir 0 1777"}, {"usr/local/bundle/ruby/3.3.0/gems/x/lib/x/3.3/x.so", "file 0 755 \x7fELF"}},
			user: User{UID: 1000, GID: 1000, Cwd: "/"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range list(t, imageOf(t, append(append([]node{}, base...), tt.nodes...)), tt.user, "") {
				if dir, _, _ := strings.Cut(p, " "); !isUsual(dir) && !strings.HasPrefix(dir, "/var/") {
					got = append(got, p)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("places %q, want %q", got, tt.want)
			}
		})
	}
}

// list describes the places of an image.
func list(t *testing.T, root string, user User, text string) []string {
	t.Helper()
	out, notes := listFor(t, root, user, text, policy.Default().Profile())
	if len(notes) > 0 {
		t.Error(notes)
	}
	return out
}

func listFor(t *testing.T, root string, user User, text string, profile *policy.Profile) (out, notes []string) {
	t.Helper()
	if text == "" {
		text = "{}"
	}
	text = strings.Replace(text, "{", `{"ociVersion":"1.0.2"`+map[bool]string{true: ",", false: ""}[text != "{}"], 1)
	doc, err := spec.ParseSpec([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r, err := openRootfs(root)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	ls, err := layers.Of(r.real)
	if err != nil {
		t.Fatal(err)
	}
	dests, _ := r.destinations(doc, nil)
	found, notes := places(r, doc, dests, ls, user, profile)
	for _, p := range found {
		s := p.Path + " " + string(p.Why)
		if p.Empty {
			s += " empty"
		}
		if p.Added {
			s += " added"
		}
		if p.Exec {
			s += " exec"
		}
		out = append(out, s)
		for _, q := range p.Programs {
			out = append(out, q.Path+" runs")
		}
	}
	return out, notes
}

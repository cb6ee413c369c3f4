// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// An image is a recipe and the use that it is put to.
type image struct {
	name string
	// what says in the table what use does.
	what string
	// env and args are what a user gives to the container.
	env, args []string
	// hostname is its name, "" for one of the engine's choice.
	hostname string
	// data is where a named volume is mounted, "" for none.
	data string
	// use puts the container to use. It is called until it returns nil, and
	// again after a restart.
	use func(*box) error
	// again finds what use left, after a restart and on the same volume; use
	// itself where nothing is kept.
	again func(*box) error
	// run is the whole test of an image that is no service.
	run func(*box) error
}

var images = []image{
	{
		name: "redis", what: "SET, SAVE, GET", data: "/data",
		use: func(b *box) error {
			if err := b.exec("OK", "redis-cli", "set", "k", "v1"); err != nil {
				return err
			}
			return b.exec("OK", "redis-cli", "save")
		},
		again: func(b *box) error { return b.exec("v1", "redis-cli", "get", "k") },
	},
	{
		name: "postgres", what: "initdb, SQL over TCP", data: "/var/lib/postgresql/data", env: []string{"POSTGRES_PASSWORD=pw"},
		use: func(b *box) error {
			return b.exec("INSERT", "psql", "postgres://postgres:pw@127.0.0.1/app", "-c", "CREATE TABLE IF NOT EXISTS t (x text)", "-c", "INSERT INTO t VALUES ('v1')")
		},
		again: func(b *box) error {
			return b.exec("v1", "psql", "postgres://postgres:pw@127.0.0.1/app", "-c", "SELECT x FROM t")
		},
	},
	{
		name: "nginx", what: "a page, and the same through its own proxy",
		use: func(b *box) error {
			if err := b.get("80", "/", "It serves."); err != nil {
				return err
			}
			if err := b.get("80", "/self/", "It serves."); err != nil {
				return err
			}
			return b.logged("GET / HTTP/1.1")
		},
	},
	{
		name: "httpd", what: "a page",
		use: func(b *box) error { return b.get("80", "/", "It works!") },
	},
	{
		name: "mariadb", what: "install-db, SQL over TCP", data: "/var/lib/mysql", env: []string{"MARIADB_PASSWORD=pw"},
		use: func(b *box) error {
			return b.exec("v1", "mariadb", "-h127.0.0.1", "-uapp", "-ppw", "app", "-e", "CREATE TABLE IF NOT EXISTS t (x text); INSERT INTO t VALUES ('v1'); SELECT x FROM t")
		},
		again: func(b *box) error {
			return b.exec("v1", "mariadb", "-h127.0.0.1", "-uapp", "-ppw", "app", "-e", "SELECT x FROM t")
		},
	},
	{
		name: "python", what: "a page; a database and a log beside the code",
		use: func(b *box) error { return b.get("80", "/", "visits ") },
	},
	{
		name: "registry", what: "an upload, the list of tags", data: "/var/lib/registry",
		use: func(b *box) error {
			return upload(b)
		},
		again: func(b *box) error { return b.get("5000", "/v2/app/tags/list", `"v1"`) },
	},
	{
		name: "memcached", what: "set, get",
		use: func(b *box) error { return b.talk("11211", "set k 0 0 2\r\nv1\r\nget k\r\n", "VALUE k 0 2\r\nv1") },
	},
	{
		name: "php-apache", what: "a page with a session, an upload and SQLite",
		use: func(b *box) error { return b.get("80", "/index.php", "visits ") },
	},
	{
		name: "node", what: "a page; a log and uploads beside the code",
		use: func(b *box) error { return b.get("80", "/", "hello") },
	},
	{
		name: "mosquitto", what: "a retained message", data: "/mosquitto/data",
		use: func(b *box) error {
			if err := b.exec("", "mosquitto_pub", "-t", "k", "-r", "-m", "v1"); err != nil {
				return err
			}
			return b.exec("v1", "mosquitto_sub", "-t", "k", "-C", "1", "-W", "5")
		},
		again: func(b *box) error { return b.exec("v1", "mosquitto_sub", "-t", "k", "-C", "1", "-W", "5") },
	},
	{
		name: "haproxy", what: "a page; a socket beside its data",
		use: func(b *box) error { return b.get("80", "/", "balanced") },
	},
	{
		name: "rabbitmq", what: "a queue declared and listed", data: "/var/lib/rabbitmq", env: []string{"RABBITMQ_DEFAULT_VHOST=app"},
		hostname: "rabbit", // its data lie under the host's name
		use: func(b *box) error {
			// Not before: root's exec would make the cookie that the server is to make.
			if err := b.logged("startup complete"); err != nil {
				return err
			}
			return b.exec("", "rabbitmqctl", "-q", "add_vhost", "v1")
		},
		again: func(b *box) error { return b.exec("v1", "rabbitmqctl", "-q", "list_vhosts") },
	},
	{
		name: "php-fpm", what: "a FastCGI request", env: []string{
			"SCRIPT_FILENAME=/var/www/html/index.php", "REQUEST_METHOD=GET",
		},
		use: func(b *box) error { return b.exec("served by", "cgi-fcgi", "-bind", "-connect", "127.0.0.1:9000") },
	},
	{
		name: "prometheus", what: "a query of what it scraped", data: "/prometheus",
		use: func(b *box) error { return b.get("9090", "/api/v1/query?query=up", `"value":[`) },
	},
	{
		name: "etcd", what: "put, get", data: "/var/lib/etcd", env: []string{"ETCDCTL_API=3"},
		use:   func(b *box) error { return b.exec("OK", "etcdctl", "put", "k", "v1") },
		again: func(b *box) error { return b.exec("v1", "etcdctl", "get", "k") },
	},
	{
		name: "tomcat", what: "a page",
		use: func(b *box) error { return b.get("8080", "/", "page 2") },
	},
	{
		name: "zookeeper", what: "ruok", data: "/data",
		use: func(b *box) error { return b.talk("2181", "ruok", "imok") },
	},
	{
		name: "influxdb", what: "a database, a point, a query", data: "/var/lib/influxdb",
		use: func(b *box) error {
			if err := b.request("POST", "8086", "/query?q=CREATE+DATABASE+app", "", ""); err != nil {
				return err
			}
			return b.request("POST", "8086", "/write?db=app", "m v=41.5", "")
		},
		again: func(b *box) error { return b.get("8086", "/query?db=app&q=SELECT+v+FROM+m", "41.5") },
	},
	{
		name: "varnish", what: "a page from a compiled configuration",
		use: func(b *box) error {
			err := b.get("80", "/", "varnished")
			return err
		},
	},
	{
		name: "supervisor", what: "two programs, and their state",
		use: func(b *box) error {
			if err := b.get("80", "/", "supervisord.conf"); err != nil {
				return err
			}
			return b.exec("RUNNING", "supervisorctl", "-c", "/etc/supervisor/supervisord.conf", "status", "web")
		},
	},
	{
		name: "s6", what: "an init script, a supervised service", data: "/config",
		use: func(b *box) error { return b.get("80", "/", "configured") },
	},
	{
		name: "sshd", what: "host keys made at start, a login by key",
		use: func(b *box) error {
			return b.exec("uid=", "sh", "-ec", `mkdir -p -m 0700 ~/.ssh
				[ -e ~/.ssh/k ] || ssh-keygen -q -t ed25519 -N "" -f ~/.ssh/k
				cp ~/.ssh/k.pub ~/.ssh/authorized_keys
				ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i ~/.ssh/k "$(id -un)"@127.0.0.1 id`)
		},
	},
	{
		name: "scratch", what: "a page; a volume that the image does not have", data: "/data",
		use: func(b *box) error { return b.get("80", "/", "visits ") },
		again: func(b *box) error {
			if err := b.get("80", "/", "visits 1\n"); err == nil {
				return errors.New("it counts from the beginning")
			}
			return b.get("80", "/", "visits ")
		},
	},
	{
		name: "nonroot", what: "a page, from a user without a name",
		use: func(b *box) error { return b.get("80", "/", "visits ") },
	},
	{
		name: "gives", what: "chown -R and install -o without a look at the user ID", data: "/var/lib/gives",
		use: func(b *box) error { return b.get("80", "/index.html", "It was given away.") },
	},
	{
		name: "stepdown", what: "gosu, setpriv, s6-setuidgid and chpst, whoever runs them",
		use: func(b *box) error { return b.get("80", "/", "chpst -u app:app: stepped down") },
	},
	{
		name: "supervisor-root", what: "supervisord as root, programs as users of the image",
		use: func(b *box) error {
			if err := b.get("80", "/", "supervisord.conf"); err != nil {
				return err
			}
			return b.exec("RUNNING", "supervisorctl", "-c", "/etc/supervisor/supervisord.conf", "status", "web", "sleep")
		},
	},
	{
		name: "s6-user", what: "services of s6 as a user of the image", data: "/config",
		use: func(b *box) error { return b.get("80", "/", "configured") },
	},
	{
		name: "haproxy-root", what: "a user and a group in its configuration",
		use: func(b *box) error { return b.get("80", "/", "balanced") },
	},
	{
		name: "unbound", what: "a name resolved; initgroups and setresuid at start",
		use: func(b *box) error { return b.exec("192.0.2.7", "dig", "+short", "+tries=1", "@127.0.0.1", "name.here") },
	},
	{
		name: "consul", what: "directories given away and a step down, whoever runs it", data: "/consul/data",
		use:   func(b *box) error { return b.get("8500", "/", "node ") },
		again: func(b *box) error { return b.get("8500", "/", "node 4711") },
	},
	{
		name: "nginx-templates", what: "a shipped configuration replaced from a template",
		use: func(b *box) error { return b.get("80", "/x", "/x from-a-template") },
	},
	{
		name: "nginx-debian", what: "a page from Debian's package as it is",
		use: func(b *box) error { return b.get("80", "/", "Served from a package.") },
	},
	{
		name: "cassandra", what: "configuration rewritten in place",
		use: func(b *box) error { return b.get("80", "/", "cluster_name: rewritten") },
	},
	{
		name: "phpmyadmin", what: "a secret written beside root's configuration",
		use: func(b *box) error { return b.get("80", "/", "An administration page.") },
	},
	{
		name: "wordpress", what: "the application copied to a volume, a page", data: "/var/www/html",
		use: func(b *box) error { return b.get("80", "/index.php", "visits ") },
		again: func(b *box) error {
			if err := b.get("80", "/index.php", "visits 1\n"); err == nil {
				return errors.New("it counts from the beginning")
			}
			return b.exec("made at start", "cat", "/var/www/html/config.php")
		},
	},
	{
		name: "nextcloud", what: "rsync to a volume, a setting of the interpreter", data: "/var/www/html",
		use: func(b *box) error {
			if err := b.get("80", "/", "A page of the application."); err != nil {
				return err
			}
			return b.exec("redis", "cat", "/usr/local/etc/php/conf.d/redis-session.ini")
		},
	},
	{
		name: "jenkins", what: "a home filled from a reference folder", data: "/var/jenkins_home",
		use: func(b *box) error {
			if err := b.get("8080", "/", "from the reference"); err != nil {
				return err
			}
			return b.get("8080", "/war/", "from the home")
		},
	},
	{
		name: "elasticsearch", what: "a user in root's group, a keystore beside the configuration", data: "/usr/share/elasticsearch/data",
		use: func(b *box) error { return b.get("9200", "/", "node 0") },
	},
	{
		name: "caddy", what: "a page from a program with file capabilities; root's directories in /",
		use: func(b *box) error { return b.get("80", "/", "visits ") },
	},
	{
		name: "minio", what: "a directory in / that the image does not have",
		use: func(b *box) error { return b.get("80", "/", "visits ") },
	},
	{
		name: "cli", what: "one answer and an exit status",
		run: func(b *box) error {
			r := b.once("-n", "1+1")
			if r.Code != 0 || r.Stdout != "2\n" {
				return fmt.Errorf("%v", r)
			}
			r = b.once("-n", "-e", "false")
			if r.Code != 1 {
				return fmt.Errorf("%v", r)
			}
			return nil
		},
	},
}

// upload pushes an image of one empty layer by the registry's HTTP API.
func upload(b *box) error {
	const (
		config = "{}"
		digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" // of {}
		media  = "application/vnd.oci.image.manifest.v1+json"
	)
	addr, err := b.address("5000")
	if err != nil {
		return err
	}
	resp, err := client.Post("http://"+addr+"/v2/app/blobs/uploads/", "", nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	at := resp.Header.Get("Location")
	put := func(url, typ, body string) error {
		req, err := http.NewRequest(http.MethodPut, url, strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", typ)
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			return fmt.Errorf("PUT %s: %s", url, resp.Status)
		}
		return nil
	}
	if !strings.HasPrefix(at, "http") {
		at = "http://" + addr + at
	}
	sep := "?"
	if strings.Contains(at, "?") {
		sep = "&"
	}
	if err := put(at+sep+"digest="+digest, "application/octet-stream", config); err != nil {
		return err
	}
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":%q},"layers":[]}`, media, digest)
	return put("http://"+addr+"/v2/app/manifests/v1", media, manifest)
}

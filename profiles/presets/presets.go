// SPDX-License-Identifier: Apache-2.0

// Package presets names directories that images of a known program need to
// write to and that no general rule finds, or in which what is written has to
// be executed. It is data: how the places are made writable is not decided here.
//
// A preset holds where the image has the program, whatever the image's name. It
// gives nothing that an image could not have by shipping the file itself; what
// it costs is said beside it.
package presets

// A Preset is one directory that a program needs.
type Preset struct {
	Name string
	// Programs are where the program may be; one is enough.
	Programs []string
	Place    string
	// Added says that the directory stays root's: new files can be made, those
	// of the image can neither be changed nor replaced.
	Added bool
	// Replaced says that what is root's in it can be changed and replaced, too.
	Replaced bool
	// Exec says that what is written there can be executed.
	Exec bool
}

// All presets, by name.
var All = [...]Preset{
	// Debian's busybox crond obeys only crontabs that are root's, and passes over
	// others in silence; below /var/spool they would become the container's user's
	// (nextcloud's cron.sh).
	{Name: "crond", Programs: []string{"/usr/bin/busybox"}, Place: "/var/spool/cron/crontabs", Added: true},
	// Programs on Java that unpack a shared library of their own to /tmp and load it,
	// and do not start if they cannot: JNA's in Cassandra ("The native library could
	// not be initialized"), Elasticsearch and OpenSearch (a bootstrap check), JRuby's
	// in Logstash. It costs noexec on /tmp in such images.
	{
		Name: "jna", Place: "/tmp", Exec: true,
		Programs: []string{
			"/opt/cassandra/bin/cassandra", "/usr/share/elasticsearch/bin/elasticsearch",
			"/usr/share/opensearch/bin/opensearch", "/usr/share/logstash/bin/logstash",
		},
	},
	// Entrypoints of PHP's applications write settings from their environment among
	// those of the interpreter (nextcloud, where Redis keeps the sessions).
	{Name: "php", Programs: []string{"/usr/local/bin/php"}, Place: "/usr/local/etc/php/conf.d", Added: true},
	// phpMyAdmin's entrypoint makes a secret beside its configuration at the first
	// start, under a command that names the web server only.
	{Name: "phpmyadmin", Programs: []string{"/etc/phpmyadmin/config.inc.php"}, Place: "/etc/phpmyadmin", Added: true},
	// s6-overlay and its like copy their service scripts to /run and execute
	// them there ("/run ... must be executable", README of just-containers/s6-overlay).
	// It costs noexec on /run in such images.
	{
		Name: "s6", Place: "/run", Exec: true,
		Programs: []string{"/command/s6-svscan", "/usr/bin/s6-svscan", "/bin/s6-svscan"},
	},
	// sshd's host keys are made at the first start (ssh-keygen -A), and entrypoints
	// write its configuration over the one of the package (gitea's).
	{Name: "sshd", Programs: []string{"/usr/sbin/sshd"}, Place: "/etc/ssh", Replaced: true},
	// varnishd compiles its configuration to a shared object in its working
	// directory and loads it (varnishd(1), -n). It costs noexec there.
	{Name: "varnish", Programs: []string{"/usr/sbin/varnishd"}, Place: "/var/lib/varnish", Exec: true},
}

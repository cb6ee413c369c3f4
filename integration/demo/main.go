// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/integration/bed"
	"github.com/runclad/runclad/integration/report"
)

func main() {
	bed.Enter()
	p := &bed.Program{}
	d := &demo{p: p}
	bed.Metadata(p)
	d.runtime()
	d.docker()
	p.Close()
	if len(d.broken) > 0 {
		fmt.Printf("\nNOT AS PROMISED:\n  %s\n", strings.Join(d.broken, "\n  "))
		os.Exit(1)
	}
	fmt.Println("\nEverything is as promised.")
}

// A demo collects what is not as promised.
type demo struct {
	p      *bed.Program
	broken []string
}

func (d *demo) breaks(format string, args ...any) {
	d.broken = append(d.broken, fmt.Sprintf(format, args...))
}

// compare prints columns of reports, the first one the container without
// runclad, and checks them.
func (d *demo) compare(where string, names []string, reports []*report.Report) {
	cells := make([][]string, len(rows))
	for i, r := range rows {
		cells[i] = []string{r.name}
		for col, rep := range reports {
			text, hard := r.show(rep)
			cells[i] = append(cells[i], text)
			switch {
			case col == 0 && hard != r.hardBefore:
				d.breaks("%s, %s: %s is %s, which shows nothing", where, names[col], r.name, text)
			case col > 0 && !hard:
				d.breaks("%s, %s: %s is %s", where, names[col], r.name, text)
			}
		}
	}
	table(os.Stdout, append([]string{""}, names...), cells)
}

// runtime shows runc, called as an engine calls it.
func (d *demo) runtime() {
	rt := bed.DebianRunc(d.p)
	version, _, _ := strings.Cut(bed.MustRun(d.p, rt.Path, "--version").Stdout, "\n")
	fmt.Printf("\n1. %s with the config.json that Docker writes, its default seccomp profile in it\n\n", version)
	rootfs := bed.Rootfs(d.p)
	run := func(binary string) *report.Report {
		s := bed.DockerSpec(d.p)
		s.Process.Args = []string{"/probe", "net"}
		for i, ns := range s.Linux.Namespaces {
			if ns.Type == specs.NetworkNamespace {
				s.Linux.Namespaces[i].Path = bed.NetNS(d.p)
			}
		}
		return bed.Report(d.p, bed.NewContainer(d.p, binary, rt, rootfs, s).RunToEnd())
	}
	d.compare("runc", []string{"runc run", "runclad run"}, []*report.Report{run(rt.Path), run(bed.Shim(d.p))})
}

// docker shows a dockerd, docker exec, and a refusal.
func (d *demo) docker() {
	e := bed.Docker20(d.p)
	version := strings.TrimSpace(e.Must("version", "--format", "{{.Server.Version}}").Stdout)
	fmt.Printf("\n2. Docker %s\n\n", version)
	plain := e.Report("run", "--rm", bed.Image, "/probe", "net")
	e.Must("run", "-d", "--name", "demo", "--runtime", "runclad", bed.Image, "sh", "-c", "/probe net && exec sleep 300")
	var logs bed.Result
	bed.Eventually(d.p, 30*time.Second, func() error {
		if logs = e.Run("logs", "demo"); logs.Stdout == "" {
			return fmt.Errorf("no output yet: %v", logs)
		}
		return nil
	})
	clad := bed.Report(d.p, logs)
	exec := e.Report("exec", "--privileged", "-u", "0", "demo", "/probe", "net")
	e.Must("rm", "-f", "demo")
	if exec.UID != clad.UID {
		d.breaks("docker exec runs as %d in a container of %d", exec.UID, clad.UID)
	}
	d.compare("docker", []string{"docker run", "docker run --runtime=runclad", "docker exec --privileged -u 0"},
		[]*report.Report{plain, clad, exec})

	// A socket at the place where the real one is, on the bed's own /run.
	const sock = "/run/docker.sock"
	l, err := net.Listen("unix", sock)
	if err != nil {
		d.p.Fatalf("demo: %v", err)
	}
	defer l.Close()
	args := []string{"run", "--rm", "--runtime=runclad", "-v", "/var/run/docker.sock:/var/run/docker.sock", bed.Image, "true"}
	r := e.Run(args...)
	fmt.Printf("\n3. A container that asks for Docker's socket\n\n  $ docker %s\n", strings.Join(args, " "))
	for _, line := range wrap(strings.TrimSpace(r.Stderr), 96) {
		fmt.Println("  " + line)
	}
	fmt.Printf("  (exit status %d)\n", r.Code)
	if r.Code != 125 || !strings.Contains(r.Stderr, "runclad refused create") ||
		!strings.Contains(r.Stderr, filepath.Base(sock)) || !strings.Contains(r.Stderr, bed.PolicyFile) {
		d.breaks("docker: the socket was not refused with its reason")
	}
}

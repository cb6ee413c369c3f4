// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/runclad/runclad/integration/bed"
)

// A way is how an image is run.
type way struct {
	name  string
	flags []string
	// patience is how long a use of the image may take to succeed.
	patience time.Duration
}

var ways = []way{
	{"runc", []string{"--runtime", "plain"}, 2 * time.Minute},
	// What works this way works at once; what does not mostly ends at once.
	{"careful", []string{
		"--runtime", "plain", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "-u", "1234567:0", "--tmpfs", "/tmp",
	}, 15 * time.Second},
	{"runclad", []string{"--runtime", "runclad"}, 2 * time.Minute},
}

// A box is a container of an image, and what checks may do with it.
type box struct {
	*bed.Docker
	image  image
	way    way
	name   string
	volume string
}

// up makes the container.
func (b *box) up() error {
	args := append([]string{"run", "-d", "--name", b.name}, b.way.flags...)
	for _, e := range b.image.env {
		args = append(args, "-e", e)
	}
	if b.volume != "" {
		args = append(args, "-v", b.volume+":"+b.image.data)
	}
	args = append(args, b.image.flags...)
	args = append(args, "replica/"+b.image.name)
	return b.docker(append(args, b.image.args...)...)
}

// docker runs the CLI.
func (b *box) docker(args ...string) error {
	if r := b.Run(args...); r.Code != 0 {
		return fmt.Errorf("docker %s: %s", args[0], lastLines(r.Output(), 3))
	}
	return nil
}

// try calls f until it returns nil. A container that ended does not come back.
func (b *box) try(f func(*box) error) error {
	deadline := time.Now().Add(b.way.patience)
	for {
		err := f(b)
		if err == nil {
			return nil
		}
		running := strings.TrimSpace(b.Run("inspect", "-f", "{{.State.Running}}", b.name).Stdout)
		if running != "true" || time.Now().After(deadline) {
			logs := b.Run("logs", "--tail", "12", b.name).Output()
			return fmt.Errorf("%w (running: %s)\n%s", err, running, logs)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// exec runs a command in the container and wants its output to hold want.
func (b *box) exec(want string, args ...string) error {
	r := b.Run(append([]string{"exec", b.name}, args...)...)
	if r.Code != 0 || !strings.Contains(r.Output(), want) {
		return fmt.Errorf("exec %v: status %d, want 0 and %q: %s", args, r.Code, want, lastLines(r.Output(), 3))
	}
	return nil
}

// logged wants the container's log to hold a text.
func (b *box) logged(want string) error {
	if out := b.Run("logs", b.name).Output(); !strings.Contains(out, want) {
		return fmt.Errorf("the log has no %q: %s", want, lastLines(out, 3))
	}
	return nil
}

// address is where the container is reached from the bed.
func (b *box) address(port string) (string, error) {
	ip := strings.TrimSpace(b.Run("inspect", "-f", "{{.NetworkSettings.IPAddress}}", b.name).Stdout)
	if ip == "" {
		return "", errors.New("the container has no address")
	}
	return net.JoinHostPort(ip, port), nil
}

var client = &http.Client{Timeout: 5 * time.Second}

// get fetches /path from a port and wants the answer to hold want.
func (b *box) get(port, path, want string) error {
	return b.request(http.MethodGet, port, path, "", want)
}

func (b *box) request(method, port, path, body, want string) error {
	addr, err := b.address(port)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 || !strings.Contains(string(got), want) {
		return fmt.Errorf("%s %s: %s, want %q: %s", method, path, resp.Status, want, lastLines(string(got), 3))
	}
	return nil
}

// talk sends text to a port and wants the answer to hold want.
func (b *box) talk(port, text, want string) error {
	addr, err := b.address(port)
	if err != nil {
		return err
	}
	conn, err := net.DialTimeout("tcp", addr, 2*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return err
	}
	var got []byte
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		got = append(got, buf[:n]...)
		if strings.Contains(string(got), want) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("port %s answers %q, want %q: %w", port, got, want, err)
		}
	}
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " | ")
}

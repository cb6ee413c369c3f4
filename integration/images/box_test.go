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
)

// A box is a container, and what checks may do with it.
type box struct {
	container
	way way
}

// try calls f until it returns nil. A container that ended does not come back.
func (b *box) try(f func(*box) error) error {
	deadline := time.Now().Add(b.way.patience)
	for {
		err := f(b)
		if err == nil {
			return nil
		}
		running := b.running()
		if !running || time.Now().After(deadline) {
			return fmt.Errorf("%w (running: %t)\n%s", err, running, lastLines(b.logs(), 12))
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// exec runs a command in the container and wants its output to hold want.
func (b *box) exec(want string, args ...string) error {
	r := b.container.exec(args...)
	if r.Code != 0 || !strings.Contains(r.Output(), want) {
		return fmt.Errorf("exec %v: status %d, want 0 and %q: %s", args, r.Code, want, lastLines(r.Output(), 3))
	}
	return nil
}

// logged wants the container's log to hold a text.
func (b *box) logged(want string) error {
	if out := b.logs(); !strings.Contains(out, want) {
		return fmt.Errorf("the log has no %q: %s", want, lastLines(out, 3))
	}
	return nil
}

// address is where the container is reached from the bed.
func (b *box) address(port string) (string, error) {
	ip := b.ip()
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

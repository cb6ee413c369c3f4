// SPDX-License-Identifier: Apache-2.0

// Command fakerunc stands in for runc: it writes down how it was called and
// what it would have read, into the folder that FAKERUNC_OUT names.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// call is what the scripts look at.
type call struct {
	Args []string
	Env  []string
	Dir  string
	// Files are the open descriptors from 3 on, and what they are.
	Files map[int]string
	// NoFile is the soft limit on open files that it was started with.
	NoFile string
	Umask  string
	// Network says what the config.json's network namespace is, "" for none.
	Network string
}

func main() {
	files := open() // before anything here opens a file
	switch last := os.Args[len(os.Args)-1]; last {
	case "--version":
		fmt.Print("runc version 1.5.2\ncommit: fake\nspec: 1.3.0\n")
	case "features":
		fmt.Print(`{"ociVersionMin":"1.0.0","ociVersionMax":"1.3.0","annotations":{"io.github.seccomp.libseccomp.version":"2.5.4"},"potentiallyUnsafeConfigAnnotations":["bundle"]}`)
	}
	dir := os.Getenv("FAKERUNC_OUT")
	if dir == "" {
		return
	}
	mask := syscall.Umask(0)
	wd, _ := os.Getwd()
	c := call{Args: os.Args[1:], Env: os.Environ(), Dir: wd, Files: files, NoFile: noFile(), Umask: fmt.Sprintf("%04o", mask)}
	slices.Sort(c.Env)
	for i, a := range os.Args[:len(os.Args)-1] {
		switch a {
		case "--bundle", "-b":
			keep(dir, "config.json", filepath.Join(os.Args[i+1], "config.json"))
			c.Network = network(filepath.Join(os.Args[i+1], "config.json"))
		case "--process":
			keep(dir, "process.json", os.Args[i+1])
			save(dir, "seals", []byte(seals(os.Args[i+1])))
		}
	}
	save(dir, "call.json", encode(c))
	if os.Getenv("FAKERUNC_FAIL") != "" {
		fmt.Fprintln(os.Stderr, "fake failure")
		os.Exit(42)
	}
}

// open lists descriptors without opening one.
func open() map[int]string {
	out := map[int]string{}
	buf := make([]byte, 4096)
	for fd := 3; fd < 2048; fd++ {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
		if errno != 0 || flags&syscall.FD_CLOEXEC != 0 {
			continue // closed, or this program's own: it would not have survived execve(2)
		}
		if n, err := syscall.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd), buf); err == nil {
			out[fd] = string(buf[:n])
		}
	}
	return out
}

// network looks at the namespace that a container is to join.
func network(config string) string {
	var doc struct {
		Linux struct{ Namespaces []struct{ Type, Path string } }
	}
	data, err := os.ReadFile(config)
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	if err != nil {
		return err.Error()
	}
	for _, ns := range doc.Linux.Namespaces {
		if ns.Type != "network" || ns.Path == "" {
			continue
		}
		var this, own syscall.Stat_t
		if err := errors.Join(syscall.Stat(ns.Path, &this), syscall.Stat("/proc/self/ns/net", &own)); err != nil {
			return err.Error()
		}
		switch {
		case this.Dev != own.Dev:
			return "a file"
		case this.Ino == own.Ino:
			return "the runtime's"
		}
		return "another"
	}
	return ""
}

// noFile asks a child: Go raises its own soft limit and gives the old one back
// to what it starts.
func noFile() string {
	out, err := exec.Command("/bin/sh", "-c", "ulimit -Sn").Output()
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(out))
}

func seals(file string) string {
	const getSeals = 1024 + 10 // F_GET_SEALS, linux/fcntl.h
	f, err := os.Open(file)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), getSeals, 0)
	return fmt.Sprintf("%d %v\n", n, errno)
}

func encode(v any) []byte {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return append(b, '\n')
}

func keep(dir, name, from string) {
	b, err := os.ReadFile(from)
	if err != nil {
		b = []byte(err.Error())
	}
	save(dir, name, b)
}

func save(dir, name string, data []byte) {
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		panic(err)
	}
}

// SPDX-License-Identifier: Apache-2.0

// Command server is what the images without a distribution run: an HTTP server
// that writes where programs do, to HOME, to the temporary folder and to the
// folder of its data, and counts its calls there.
package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println("server 1")
		return
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return err
	}
	dirs := []string{filepath.Join(home, ".config/server"), filepath.Join(config, "server"), filepath.Join(os.TempDir(), "server")}
	if data := os.Getenv("DATA"); data != "" {
		dirs = append(dirs, data)
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	count := filepath.Join(os.Getenv("DATA"), "count")
	var mu sync.Mutex
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		b, _ := os.ReadFile(count)
		n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		n++
		if os.Getenv("DATA") != "" {
			if err := os.WriteFile(count, []byte(strconv.Itoa(n)), 0o600); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		fmt.Fprintf(w, "visits %d\n", n)
	})
	addr := os.Getenv("ADDR")
	if addr == "" {
		addr = ":80"
	}
	return http.ListenAndServe(addr, nil)
}

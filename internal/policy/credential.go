// SPDX-License-Identifier: Apache-2.0

package policy

import "strings"

// CredentialNames returns the names of those variables of an environment
// (NAME=VALUE) that are set and named like one that holds a credential. The
// values are never returned.
func CredentialNames(env []string) []string {
	var names []string
	for _, kv := range env {
		if name, value, _ := strings.Cut(kv, "="); value != "" && credential(name) {
			names = append(names, name)
		}
	}
	return names
}

// credential reports whether a variable's name says that it holds a secret. One
// that names a file with it (…_FILE, as official images have them) does not.
func credential(name string) bool {
	name = strings.ToUpper(name)
	if strings.HasSuffix(name, "_FILE") || strings.HasSuffix(name, "_PATH") {
		return false
	}
	for _, word := range [...]string{"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIALS"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return strings.HasSuffix(name, "TOKEN") || strings.HasSuffix(name, "_PWD")
}

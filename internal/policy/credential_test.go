// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"testing"
)

func TestCredentialNames(t *testing.T) {
	env := []string{
		"PATH=/bin", "DB_PASSWORD=hunter2", "mysql_root_password=x", "GITHUB_TOKEN=x", "AWS_SECRET_ACCESS_KEY=x", "REDIS_PWD=x", "KEY_PASSPHRASE==",
		"POSTGRES_PASSWORD_FILE=/run/secrets/p", "SECRETS_PATH=/s", "EMPTY_PASSWORD=", "NO_SECRET", "PWD=/", "TOKENS=3", "=SECRET",
	}
	want := []string{"DB_PASSWORD", "mysql_root_password", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "REDIS_PWD", "KEY_PASSPHRASE"}
	if got := CredentialNames(env); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

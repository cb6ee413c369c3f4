// SPDX-License-Identifier: Apache-2.0

package prelude

import (
	"errors"
	"fmt"
	"strings"
)

// Runtime returns the path of the real runtime, without links. Its name holds
// runc or crun. It is called once, by one goroutine.
func Runtime() (string, error) {
	what, errno := find()
	path := string(found[:length])
	switch what {
	case none:
		return path, nil
	case missing:
		var places []string
		for _, n := range usual {
			places = append(places, string(n[:len(n)-1]))
		}
		return "", fmt.Errorf("no OCI runtime at %s; install runc, or make %s a link to it", strings.Join(places, ", "), Link)
	case dangling:
		return "", fmt.Errorf("%s leads nowhere: %w", Link, errno)
	case itself:
		return "", fmt.Errorf("%s is runclad itself; make %s a link to the real runtime", path, Link)
	case unnamed:
		return "", fmt.Errorf("the runtime %s is neither runc nor crun by its name: its command line is not known", path)
	default:
		return "", errors.Join(errors.New("the real runtime cannot be looked at"), errno)
	}
}

// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const cgroupRoot = "/sys/fs/cgroup"

func (h *Host) cgroups(a *area) {
	var st unix.Statfs_t
	if err := unix.Statfs(cgroupRoot, &st); err != nil {
		a.problem("layout", "mount the cgroup file systems at "+cgroupRoot, "%s: %v", cgroupRoot, err)
		return
	}
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		data, err := os.ReadFile(cgroupRoot + "/cgroup.controllers")
		if err != nil {
			a.unknown("layout", err)
			return
		}
		a.ok("layout", "version 2, with %s", strings.TrimSpace(string(data)))
		pidsController(a, strings.Contains(" "+string(data)+" ", "pids"))
		return
	}
	_, errPids := os.Stat(cgroupRoot + "/pids")
	if err := unix.Statfs(cgroupRoot+"/unified", &st); err == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
		a.warn("layout", "crun needs to be 1.9 or newer here; or boot with systemd.unified_cgroup_hierarchy=1", "hybrid: version 1 with version 2 at %s/unified", cgroupRoot)
	} else {
		a.ok("layout", "version 1")
	}
	if errPids != nil && !errors.Is(errPids, os.ErrNotExist) {
		a.unknown("pids", errPids)
		return
	}
	pidsController(a, errPids == nil)
}

func pidsController(a *area, there bool) {
	if there {
		a.ok("pids", "the number of a container's processes can be limited")
		return
	}
	a.problem("pids", "enable the pids controller (CONFIG_CGROUP_PIDS)", "there is no pids controller: a container that is given a limit fails")
}

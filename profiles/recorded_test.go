// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/profiles/syscalls"
)

// recording is what strace saw a program do without a filter.
type recording struct {
	Program  string
	Syscalls []string
	Args     map[string]map[string]int
}

// recordedArgs gives numbers to the argument texts of the recordings, at the
// place where the call takes them.
var recordedArgs = map[string]map[string][]uint64{
	"chmod": {"suid/sgid 02770": {0, 0o2770}, "suid/sgid 02755": {0, 0o2755}},
	"clone": {
		"CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD":                                     {0x1200011},
		"CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS": {0xd0f00},
		"CLONE_VM|CLONE_PIDFD|CLONE_VFORK":                                                    {0x5100},
		"CLONE_VM|CLONE_PIDFD|CLONE_VFORK|SIGCHLD":                                            {0x5111},
	},
	"futex": {
		"FUTEX_WAKE": {0, 1}, "FUTEX_WAKE_PRIVATE": {0, 129}, "FUTEX_WAIT_PRIVATE": {0, 128}, "FUTEX_UNLOCK_PI_PRIVATE": {0, 135},
		"FUTEX_WAIT_BITSET_PRIVATE": {0, 137}, "FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME": {0, 393},
		"FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME": {0, 265},
	},
	"ioctl": {
		"TCGETS": {0, unix.TCGETS}, "FIONBIO": {0, 0x5421}, "TIOCGPGRP": {0, unix.TIOCGPGRP}, "TIOCGWINSZ": {0, unix.TIOCGWINSZ},
		"FIONREAD": {0, unix.TIOCINQ}, "SIOCGIFCONF": {0, 0x8912}, "SIOCGIFFLAGS": {0, 0x8913}, "SIOCGIFNETMASK": {0, 0x891b},
		"SIOCGIFINDEX": {0, 0x8933}, "SIOCGIFHWADDR": {0, 0x8927}, "FIOASYNC": {0, 0x5452}, "FIOCLEX": {0, 0x5451},
		"TIOCGPTN": {0, unix.TIOCGPTN}, "TIOCSPTLCK": {0, unix.TIOCSPTLCK}, "TIOCGPTPEER": {0, unix.TIOCGPTPEER},
		"TIOCSCTTY": {0, unix.TIOCSCTTY}, "TIOCSPGRP": {0, unix.TIOCSPGRP}, "SNDCTL_TMR_STOP or TCSETSW": {0, unix.TCSETSW},
		"SNDCTL_TMR_START or TCSETS": {0, unix.TCSETS}, "FS_IOC_GETFLAGS": {0, unix.FS_IOC_GETFLAGS},
		"FS_IOC_SETFLAGS": {0, unix.FS_IOC_SETFLAGS}, "BTRFS_IOC_CLONE or FICLONE": {0, unix.FICLONE},
		"NS_GET_USERNS": {0, unix.NS_GET_USERNS}, "NS_GET_PARENT": {0, unix.NS_GET_PARENT},
	},
	"madvise": {
		"MADV_DONTNEED": {0, 0, unix.MADV_DONTNEED}, "MADV_FREE": {0, 0, unix.MADV_FREE}, "MADV_HUGEPAGE": {0, 0, unix.MADV_HUGEPAGE},
		"MADV_NOHUGEPAGE": {0, 0, unix.MADV_NOHUGEPAGE}, "MADV_RANDOM": {0, 0, unix.MADV_RANDOM}, "MADV_DONTFORK": {0, 0, unix.MADV_DONTFORK},
	},
	"mknodat": {"S_IFIFO": {0, 0, unix.S_IFIFO | 0o600}, "S_IFCHR": {0, 0, unix.S_IFCHR | 0o600}},
	"prctl": {
		"PR_CAPBSET_READ": {unix.PR_CAPBSET_READ}, "PR_SET_KEEPCAPS": {unix.PR_SET_KEEPCAPS}, "PR_SET_DUMPABLE": {unix.PR_SET_DUMPABLE},
		"PR_SET_VMA": {unix.PR_SET_VMA}, "PR_SET_NAME": {unix.PR_SET_NAME}, "PR_GET_SECUREBITS": {unix.PR_GET_SECUREBITS},
		"PR_GET_NO_NEW_PRIVS": {unix.PR_GET_NO_NEW_PRIVS}, "PR_CAP_AMBIENT": {unix.PR_CAP_AMBIENT},
		"PR_SET_PDEATHSIG": {unix.PR_SET_PDEATHSIG}, "PR_GET_DUMPABLE": {unix.PR_GET_DUMPABLE}, "PR_GET_NAME": {unix.PR_GET_NAME},
	},
	"setsockopt": {
		"SOL_SOCKET,SO_REUSEPORT": {0, 1, unix.SO_REUSEPORT}, "SOL_SOCKET,SO_REUSEADDR": {0, 1, unix.SO_REUSEADDR},
		"SOL_SOCKET,SO_KEEPALIVE": {0, 1, unix.SO_KEEPALIVE}, "SOL_SOCKET,SO_BROADCAST": {0, 1, unix.SO_BROADCAST},
		"SOL_SOCKET,SO_LINGER": {0, 1, unix.SO_LINGER}, "SOL_SOCKET,SO_SNDBUF": {0, 1, unix.SO_SNDBUF},
		"SOL_SOCKET,SO_RCVBUF": {0, 1, unix.SO_RCVBUF}, "SOL_SOCKET,SO_TIMESTAMP_OLD": {0, 1, unix.SO_TIMESTAMP_OLD},
		"SOL_SOCKET,SO_SNDTIMEO_OLD": {0, 1, unix.SO_SNDTIMEO_OLD}, "SOL_SOCKET,SO_RCVTIMEO_OLD": {0, 1, unix.SO_RCVTIMEO_OLD},
		"SOL_TCP,TCP_NODELAY": {0, 6, unix.TCP_NODELAY}, "SOL_TCP,TCP_DEFER_ACCEPT": {0, 6, unix.TCP_DEFER_ACCEPT},
		"SOL_TCP,TCP_MAXSEG": {0, 6, unix.TCP_MAXSEG}, "SOL_TCP,TCP_KEEPINTVL": {0, 6, unix.TCP_KEEPINTVL},
		"SOL_TCP,TCP_KEEPIDLE": {0, 6, unix.TCP_KEEPIDLE}, "SOL_TCP,TCP_KEEPCNT": {0, 6, unix.TCP_KEEPCNT},
		"SOL_TCP,TCP_CORK": {0, 6, unix.TCP_CORK}, "SOL_IP,IP_MTU_DISCOVER": {0, 0, unix.IP_MTU_DISCOVER},
		"SOL_IP,IP_RECVERR": {0, 0, unix.IP_RECVERR}, "SOL_IPV6,IPV6_V6ONLY": {0, 41, unix.IPV6_V6ONLY},
		"SOL_IPV6,IPV6_DONTFRAG": {0, 41, unix.IPV6_DONTFRAG}, "SOL_IPV6,IPV6_MTU": {0, 41, unix.IPV6_MTU},
		"SOL_IPV6,IPV6_RECVPKTINFO": {0, 41, unix.IPV6_RECVPKTINFO}, "SOL_IPV6,IPV6_MULTICAST_HOPS": {0, 41, unix.IPV6_MULTICAST_HOPS},
		"SOL_RAW,ICMP_FILTER": {0, 255, 1}, "SOL_NETLINK,NETLINK_EXT_ACK": {0, 270, unix.NETLINK_EXT_ACK},
		"SOL_NETLINK,NETLINK_GET_STRICT_CHK": {0, 270, unix.NETLINK_GET_STRICT_CHK},
	},
	"socket": {
		"AF_UNIX,SOCK_STREAM": {1, 1, 0}, "AF_UNIX,SOCK_DGRAM": {1, 2, 0}, "AF_INET,SOCK_STREAM": {2, 1, 6}, "AF_INET,SOCK_DGRAM": {2, 2, 17},
		"AF_INET6,SOCK_STREAM": {10, 1, 6}, "AF_INET6,SOCK_DGRAM": {10, 2, 17}, "AF_INET,SOCK_RAW": {2, 3, 1}, "AF_INET6,SOCK_RAW": {10, 3, 58},
		"AF_NETLINK,SOCK_RAW,NETLINK_ROUTE": {16, 3, 0}, "AF_NETLINK,SOCK_RAW,NETLINK_SOCK_DIAG": {16, 3, 4},
		"AF_NETLINK,SOCK_RAW,NETLINK_AUDIT": {16, 3, 9},
	},
	"socketpair": {"AF_UNIX,SOCK_STREAM": {1, 1, 0}},
}

// lossName maps the text of a recording to the one of the list of losses.
var lossName = map[string]string{"BTRFS_IOC_CLONE or FICLONE": "FICLONE"}

// TestRecordedPrograms holds the table against what programs were seen to do:
// all of it passes, but for the losses that are listed.
func TestRecordedPrograms(t *testing.T) {
	lost := map[[2]string]bool{} // true when a recording has it
	for _, l := range syscalls.Losses {
		lost[[2]string{l.Name, l.Args}] = false
	}
	table := map[string]*syscalls.Syscall{}
	for i := range syscalls.Table {
		table[syscalls.Table[i].Name] = &syscalls.Table[i]
	}
	loss := func(program, name, args string) {
		k := [2]string{name, args}
		if _, ok := lost[k]; !ok {
			t.Errorf("%s: %s %s is refused and not listed as a loss", program, name, args)
		}
		lost[k] = true
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 16 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var rec recording
		if err := json.Unmarshal(raw, &rec); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, name := range rec.Syscalls {
			c := table[name]
			switch {
			case c == nil:
				t.Errorf("%s: %s is not in the table", rec.Program, name)
			case c.At(0) != syscalls.Allow && c.At(0) != syscalls.Filter:
				loss(rec.Program, name, "")
			}
		}
		for name, texts := range rec.Args {
			c := table[name]
			if c.At(0) != syscalls.Filter {
				continue
			}
			for text := range texts {
				text = strings.TrimSuffix(text, " <unfinished ...>")
				values, ok := recordedArgs[name][text]
				if !ok {
					t.Errorf("%s: no numbers for %s %q", rec.Program, name, text)
					continue
				}
				var args [6]uint64
				copy(args[:], values)
				if c.Decide(0, args) != syscalls.Allowed {
					if n, ok := lossName[text]; ok {
						text = n
					}
					loss(rec.Program, name, text)
				}
			}
		}
	}
	for k, seen := range lost {
		if !seen {
			t.Errorf("%s %s is listed as a loss but no recording loses it", k[0], k[1])
		}
	}
}

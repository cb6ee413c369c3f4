// SPDX-License-Identifier: Apache-2.0

package metadata

import "golang.org/x/sys/unix"

// loopbackIndex is LOOPBACK_IFINDEX of include/net/flow.h: the same in every
// namespace, whatever the device was renamed to.
const loopbackIndex = 1

// raiseLoopback brings lo up if it is down. The requests of netdevice(7) work on
// a netlink socket as well (sock_do_ioctl in net/socket.c) and act on the
// namespace of the socket.
func raiseLoopback(fd int) (changed bool, err error) {
	ifr, err := unix.NewIfreq("")
	if err != nil {
		return false, failure("name the loopback device", err)
	}
	ifr.SetUint32(loopbackIndex)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFNAME, ifr); err != nil {
		return false, failure("name the loopback device", err)
	}
	name := ifr.Name()
	if ifr, err = unix.NewIfreq(name); err != nil {
		return false, failure("name the loopback device", err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
		return false, failure("read the flags of device "+name, err)
	}
	flags := ifr.Uint16()
	if flags&unix.IFF_LOOPBACK == 0 {
		return false, &kernelError{op: "find the loopback device", errno: unix.ENODEV, text: "device 1 is " + name}
	}
	if flags&unix.IFF_UP != 0 {
		return false, nil
	}
	ifr.SetUint16(flags | unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		return false, failure("bring up device "+name, err)
	}
	return true, nil
}

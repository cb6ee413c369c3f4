// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/layers"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// Facts is what the host says about one spec.
type Facts struct {
	// Rootfs is the absolute path of the container's root directory.
	Rootfs string
	// RootfsReal is the kernel's path of it, without links.
	RootfsReal string
	// RootfsAlias names the sensitive directory that the rootfs is, "" if none.
	RootfsAlias string
	// Namespaces says for each namespace type of the OCI spec whose it is.
	Namespaces map[string]Namespace
	// Sources says for each bind mount of the spec where it leads.
	Sources map[*spec.Value]Source
	// Destinations says for each mount where it ends up inside the rootfs, the
	// image's symbolic links followed.
	Destinations map[*spec.Value]string
	// Through holds the mounts to whose destination a link leads out of what
	// another mount shows: that one's mount point.
	Through map[*spec.Value]string
	// Devices are the type and numbers of the device nodes that the policy lets
	// containers have.
	Devices []Device
	// CgroupInUse says that there are processes in the container's cgroup.
	CgroupInUse bool
	// User is whom the container was meant to start as.
	User User
	// IDs are the mappings of the user namespace that the engine gives it.
	IDs IDs
	// Places are the directories that are made writable.
	Places []Place
	// FileCaps are programs with file capabilities.
	FileCaps []FileCaps
	// Notes say which directories that the profile lists are not made writable.
	Notes []string
	// PasswdMountable and GroupMountable say whether a file can be mounted over
	// the image's /etc/passwd and /etc/group.
	PasswdMountable, GroupMountable bool
	// AppArmor and SELinux say whether the kernel enforces that module.
	AppArmor, SELinux bool
	// AppArmorProfiles are the engines' default profiles that are loaded.
	AppArmorProfiles []string

	layers        *layers.Layers
	layersUnknown error // why there are none
}

// Namespace says whose a namespace is.
type Namespace struct {
	Owner NamespaceOwner
	Path  string // of a joined namespace
}

// NamespaceOwner is whose a namespace is.
type NamespaceOwner uint8

// A namespace that the spec does not mention is the host's.
const (
	Host   NamespaceOwner = iota
	Own                   // new, made with the container
	Joined                // another container's, by path
)

// RootLayers returns the directories that the rootfs is merged from.
func (f *Facts) RootLayers() ([]string, error) {
	if f.layers == nil {
		return nil, f.layersUnknown
	}
	return f.layers.All(), nil
}

// Untold says why a place's layers cannot be told.
func (f *Facts) Untold(p Place) error {
	err := f.layersUnknown
	if f.layers != nil {
		_, err = f.layers.At(p.Path)
	}
	if err == nil {
		err = errors.New("no layer of the rootfs has it")
	}
	return err
}

// LayersOf returns what a program of the image is merged from: the layers of a
// directory, or a file in the topmost layer that has it.
func (f *Facts) LayersOf(p Program) ([]string, error) {
	if f.layers == nil {
		return nil, f.layersUnknown
	}
	if p.Dir {
		return f.layers.At(p.Path)
	}
	dirs, err := f.layers.At(path.Dir(p.Path))
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		file := path.Join(dir, path.Base(p.Path))
		var st unix.Stat_t
		if unix.Lstat(file, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
			return []string{file}, nil
		}
	}
	return nil, nil
}

// Gather collects the facts about the spec in bundle, as far as the profile
// needs them: no places where the root filesystem stays writable, nothing of
// accounts where the container's user is the image's.
func Gather(bundle string, doc *spec.Document, profile *policy.Profile) (*Facts, error) {
	f := Kernel()
	var err error
	if f.Namespaces, err = namespaces(doc); err != nil {
		return nil, err
	}
	f.Rootfs = doc.Get("root", "path").Str()
	if f.Rootfs == "" {
		return nil, fmt.Errorf("root.path is not set")
	}
	if !path.IsAbs(f.Rootfs) {
		f.Rootfs = path.Join(bundle, f.Rootfs)
	}
	root, err := openRootfs(f.Rootfs)
	if err != nil {
		return nil, err
	}
	defer root.close()
	f.RootfsReal = root.real
	if f.Namespaces["user"].Owner != Host {
		if f.IDs, err = idsOf(doc.Get("linux")); err != nil {
			return nil, fmt.Errorf("linux.%w", err)
		}
	}
	root.ids = f.IDs
	f.RootfsAlias = aliasOf(root.fd)
	if f.Sources, err = sources(bundle, doc); err != nil {
		return nil, err
	}
	f.Destinations, f.Through = root.destinations(doc, f.Sources)
	image := profile.Identity == policy.IdentityImage
	f.User = userOf(doc, func(uid uint32) string {
		if image && profile.WritableRootfs {
			return ""
		}
		return identity.Home(f.Rootfs, uid)
	})
	f.layers, f.layersUnknown = layers.Of(root.real)
	if !profile.WritableRootfs {
		f.Places, f.Notes = places(root, doc, f.Destinations, f.layers, f.User, profile)
	}
	points := mountPoints(doc, f.Destinations)
	f.FileCaps = fileCaps(root, doc, points, f.Places)
	if !image {
		f.PasswdMountable = root.mountable(points, "/etc/passwd")
		f.GroupMountable = root.mountable(points, "/etc/group")
	}
	return f, nil
}

// Kernel returns the facts that do not depend on a spec.
func Kernel() *Facts {
	f := &Facts{AppArmor: enabled("/sys/module/apparmor/parameters/enabled"), SELinux: exists("/sys/fs/selinux/enforce")}
	if f.AppArmor {
		f.AppArmorProfiles = engineProfiles("/sys/kernel/security/apparmor/profiles")
	}
	return f
}

func enabled(file string) bool {
	b, err := os.ReadFile(file)
	return err == nil && len(b) > 0 && b[0] == 'Y'
}

func exists(file string) bool {
	var st unix.Stat_t
	return unix.Stat(file, &st) == nil
}

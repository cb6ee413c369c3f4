// SPDX-License-Identifier: Apache-2.0

package workload

import "strings"

// ImageNames returns the ways in which the image can be written, none if it is
// not known: as the engine has it, with its tag and without; in full, with
// registry, with tag and without; by the digest that it was asked for with; and by its ID.
//
// A name without a registry is Docker Hub's, and there one without a slash is
// in library/ (distribution/reference, ParseNormalizedNamed).
func (w *Workload) ImageNames() []string {
	if w.Image == "" && w.ImageID == "" {
		return nil
	}
	var names []string
	add := func(name string) {
		for _, n := range names {
			if n == name {
				return
			}
		}
		if name != "" {
			names = append(names, name)
		}
	}
	add(w.Image)
	if w.Image != "" && !strings.HasPrefix(w.Image, "sha256:") {
		name, digest, _ := strings.Cut(w.Image, "@")
		name, tag := cutTag(name)
		add(name)
		name = inFull(name)
		add(name)
		switch {
		case tag != "":
			add(name + ":" + tag)
		case digest == "":
			add(name + ":latest")
		}
		if digest != "" {
			add(name + "@" + digest)
			add(digest)
		}
	}
	add(w.ImageID)
	return names
}

// cutTag takes the tag off a name; a colon before a slash is a port's.
func cutTag(name string) (string, string) {
	i := strings.LastIndexByte(name, ':')
	if i < 0 || strings.IndexByte(name[i:], '/') >= 0 {
		return name, ""
	}
	return name[:i], name[i+1:]
}

func inFull(name string) string {
	first, _, nested := strings.Cut(name, "/")
	switch {
	case !nested:
		return "docker.io/library/" + name
	case first == "localhost" || strings.ContainsAny(first, ".:"):
		return name
	}
	return "docker.io/" + name
}

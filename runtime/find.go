// SPDX-License-Identifier: Apache-2.0

package runtime

// Find returns the path of the real runtime that the shim would hand off to, and
// its flavor, for a program that looks at it from outside.
func Find() (path, flavor string, err error) {
	t, err := locate()
	if err != nil {
		return "", "", err
	}
	return t.path, t.flavor.String(), nil
}

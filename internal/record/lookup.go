// SPDX-License-Identifier: Apache-2.0

package record

// Lookup returns the process that has a pid now.
func Lookup(pid int) (Process, error) {
	start, err := startTime(pid)
	if err != nil {
		return Process{}, err
	}
	return Process{PID: pid, Start: start}, nil
}

// SPDX-License-Identifier: Apache-2.0

// Package ctl holds the live tests of runcladctl(8): real containers of real
// runtimes and engines, looked at by the program as an operator calls it.
package ctl

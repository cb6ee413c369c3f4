// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"fmt"
	"os"
	"slices"
)

// T is what the bed needs of a *testing.T. A [Program] is one too.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(f func())
}

// A Program is the T of a main program: Fatalf prints, runs the clean-up
// functions and exits with status 1.
type Program struct {
	cleanup []func()
	// Verbose makes Logf print; it is silent otherwise.
	Verbose bool
}

// Helper does nothing: a program's messages carry no line numbers.
func (p *Program) Helper() {}

// Logf prints to standard error when the program is verbose.
func (p *Program) Logf(format string, args ...any) {
	if p.Verbose {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
}

// Fatalf prints to standard error and ends the program.
func (p *Program) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	p.Close()
	os.Exit(1)
}

// Cleanup has f run by Close.
func (p *Program) Cleanup(f func()) { p.cleanup = append(p.cleanup, f) }

// Close runs the clean-up functions, the last one first.
func (p *Program) Close() {
	fs := p.cleanup
	p.cleanup = nil
	for _, f := range slices.Backward(fs) {
		f()
	}
}

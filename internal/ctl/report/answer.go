// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"strings"
)

// Verdict is what is said of a clause.
type Verdict string

// The verdicts.
const (
	Met           Verdict = "met"
	NotMet        Verdict = "not met"
	NotApplicable Verdict = "not applicable"
	CannotTell    Verdict = "cannot be told"
)

// Verdicts in the order in which they are shown.
var Verdicts = []Verdict{NotMet, CannotTell, Met, NotApplicable}

// Answer is a verdict with its evidence.
type Answer struct {
	Verdict  Verdict `json:"verdict"`
	Evidence string  `json:"evidence"`
}

func met(format string, args ...any) Answer    { return Answer{Met, fmt.Sprintf(format, args...)} }
func notMet(format string, args ...any) Answer { return Answer{NotMet, fmt.Sprintf(format, args...)} }

func notApplicable(format string, args ...any) Answer {
	return Answer{NotApplicable, fmt.Sprintf(format, args...)}
}

func cannotTell(err error) Answer { return Answer{CannotTell, err.Error()} }

// because is one or the other, with one evidence for both.
func because(good bool, format string, args ...any) Answer {
	if good {
		return met(format, args...)
	}
	return notMet(format, args...)
}

// errNotRead is the doubt about facts of which nothing was read.
var errNotRead = errors.New("it was not read")

// all joins the answers to the facts of one clause: it is met if all are that
// apply. Evidence of what is not met comes first and alone.
func all(answers []Answer) Answer {
	for _, v := range [...]Verdict{NotMet, CannotTell, Met, NotApplicable} {
		var texts []string
		for _, a := range answers {
			if a.Verdict == v {
				texts = append(texts, a.Evidence)
			}
		}
		if len(texts) > 0 {
			return Answer{v, strings.Join(texts, "; ")}
		}
	}
	return cannotTell(errNotRead)
}

// SPDX-License-Identifier: Apache-2.0

// Demo shows what runclad changes: the same container without it and with it,
// first under runc alone, then under a dockerd started for the purpose, with
// docker exec, and at last a refusal as the user sees it.
//
// Everything runs in a bed and is gone afterwards. The program exits with
// status 1 if a row of the right column is not as promised, or one of the left
// column is not the contrary, in which case the comparison would show nothing.
package main

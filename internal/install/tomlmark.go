// SPDX-License-Identifier: Apache-2.0

package install

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// What is added to containerd's main file is marked, so that it can be taken
// out whatever else was edited since: a block at the end, and single lines
// where a table exists already and cannot be opened twice.
const (
	blockBegin = "# BEGIN runclad (removed by runcladctl uninstall)"
	blockEnd   = "# END runclad"
	lineAdded  = "# added by runclad"
	lineKept   = "# kept by runclad: "

	// As earlier versions of install.sh began it.
	blockBeginOld = "# BEGIN runclad (install.sh; removed by install.sh --uninstall)"
)

// withoutMarks is a text without what was added to it.
func withoutMarks(text []byte) []byte {
	out := []byte{}
	inside := false
	for line := range bytes.Lines(text) {
		bare := strings.TrimRight(string(line), "\n")
		switch {
		case bare == blockBegin || bare == blockBeginOld:
			inside = true
		case inside:
			inside = bare != blockEnd
		case strings.HasSuffix(bare, lineAdded):
		default:
			if i := bytes.Index(line, []byte(lineKept)); i >= 0 && len(bytes.TrimSpace(line[:i])) == 0 {
				line = slices.Concat(line[:i], line[i+len(lineKept):])
			}
			out = append(out, line...)
		}
	}
	if text == nil {
		return nil
	}
	return out
}

// blockVersion is the version line in our block, "" if there is none.
func blockVersion(text []byte) string {
	inside := false
	for line := range bytes.Lines(text) {
		bare := strings.TrimRight(string(line), "\n")
		inside = inside || bare == blockBegin || bare == blockBeginOld
		if inside && strings.HasPrefix(bare, "version = ") {
			return bare
		}
	}
	return ""
}

// setDefault names runclad in the plugin's table, where the text has it: in
// the place of the key, whose line is kept as a comment, or below the table's
// header. It tells whether there was such a table.
func setDefault(text []byte, plugin string) ([]byte, bool, error) {
	const key = "default_runtime_name"
	table := []string{"plugins", plugin, "containerd"}
	var p unstable.Parser
	p.Reset(text)
	var current []string
	header := -1
	for p.NextExpression() {
		e := p.Expression()
		var names []string
		last := -1
		for it := e.Key(); it.Next(); {
			names = append(names, string(it.Node().Data))
			last = int(it.Node().Raw.Offset)
		}
		switch e.Kind {
		case unstable.Table:
			if current = names; slices.Equal(names, table) {
				header = last
			}
		case unstable.ArrayTable:
			current = nil
		case unstable.KeyValue:
			if !slices.Equal(slices.Concat(current, names), append(slices.Clone(table), key)) {
				continue
			}
			from, to := lineAt(text, last)
			line := string(text[from:to])
			indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
			kept := strings.TrimSuffix(strings.TrimPrefix(line, indent), "\n")
			return splice(text, from, to, fmt.Sprintf("%s%s%s\n%s%s = \"runclad\" %s\n", indent, lineKept, kept, indent, key, lineAdded)), true, nil
		}
	}
	if err := p.Error(); err != nil {
		return nil, false, err
	}
	if header < 0 {
		return text, false, nil
	}
	_, to := lineAt(text, header)
	line := fmt.Sprintf("  %s = \"runclad\" %s\n", key, lineAdded)
	if to == len(text) && !bytes.HasSuffix(text, []byte("\n")) {
		line = "\n" + line
	}
	return splice(text, to, to, line), true, nil
}

// lineAt is the line around an offset, with its newline.
func lineAt(text []byte, at int) (from, to int) {
	from = bytes.LastIndexByte(text[:at], '\n') + 1
	if to = bytes.IndexByte(text[at:], '\n'); to < 0 {
		return from, len(text)
	}
	return from, at + to + 1
}

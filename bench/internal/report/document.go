package report

import (
	"fmt"
	"os"
	"strings"

	"github.com/boltsession/session/bench/internal/gate"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
	"github.com/boltsession/session/bench/internal/work"
)

// What stands between <!-- bench:NAME --> and <!-- bench:end --> in a document is of the run, all
// else stays as it is.
const (
	markBegin = "<!-- bench:"
	markClose = " -->"
	markEnd   = "<!-- bench:end -->"
)

// Update puts the figures of a run into a document.
func Update(path string, run *result.Run) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	updated, err := replace(string(text), func(name string) (string, error) { return block(run, name) })
	if err != nil {
		return fmt.Errorf("update %s: %w", path, err)
	}
	return os.WriteFile(path, []byte(updated), 0o644)
}

// replace replaces what stands between marks by what of says for their names.
func replace(text string, of func(name string) (string, error)) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, markBegin)
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, rest, found := strings.Cut(rest, markClose)
		if !found {
			return "", fmt.Errorf("mark %.20q does not end", rest)
		}
		_, after, found := strings.Cut(rest, markEnd)
		if !found {
			return "", fmt.Errorf("mark %q: no %s", name, markEnd)
		}
		content, err := of(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s%s%s\n%s%s", markBegin, name, markClose, content, markEnd)
		text = after
	}
}

// block returns what stands under a name, in Markdown.
func block(run *result.Run, name string) (string, error) {
	switch name {
	case "machine":
		return machine(run.Machine), nil
	case "peers":
		return peers(), nil
	case "gates":
		return GateTable(gate.Judge(run)).Markdown(), nil
	case "headline":
		return headline(run).Markdown(), nil
	}
	w, ok := work.Find(work.Full(), name)
	if !ok {
		return "", fmt.Errorf("nothing is known of %q", name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", w.About)
	if run.Cases(name) == nil {
		return b.String() + "This run did not have it.\n", nil
	}
	for _, t := range tablesOf(run, name) {
		if len(t.Rows) > 0 && len(t.Head) > 1 {
			fmt.Fprintf(&b, "%s\n", t.Markdown())
		}
	}
	return b.String(), nil
}

func machine(m result.Machine) string {
	return fmt.Sprintf("%s, %d cores, %s of memory, %s on Linux %s, %s; %s, commit %s.\n",
		m.CPU, m.Cores, m.Memory, m.FileSystem, m.Kernel, m.Go, m.Date, m.Commit)
}

func peers() string {
	var b strings.Builder
	b.WriteString("| name | what it is |\n| --- | --- |\n")
	for _, p := range peer.About {
		fmt.Fprintf(&b, "| %s | %s |\n", p.Name, p.Text)
	}
	return b.String()
}

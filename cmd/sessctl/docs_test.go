package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

//go:generate go run . docs ../../docs/sessctl

// TestDocs: docs/sessctl says what --help says. `go generate ./cmd/sessctl` writes it.
func TestDocs(t *testing.T) {
	const dir = "../../docs/sessctl"
	want := pages(newRoot(streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if want[e.Name()] == "" {
			t.Errorf("%s is a page of no command", e.Name())
		}
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != text {
			t.Errorf("%s is not up to date (%v): run go generate ./cmd/sessctl", name, err)
		}
	}
}

// TestExamples: every command has one, and says what it does.
func TestExamples(t *testing.T) {
	for _, cmd := range newRoot(streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}).Commands() {
		if !strings.Contains("\n"+cmd.Example, "\n  "+cmd.CommandPath()) || cmd.Short == "" {
			t.Errorf("%s: example %q, short help %q", cmd.Name(), cmd.Example, cmd.Short)
		}
	}
}

package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"sessctl": main, "visit": visit})
}

// TestScripts runs the real program; see testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values[appKey{}] = new(app)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a second for each of our runs
			return os.Chmod(env.WorkDir, 0o700)       // what Open asks of a store's directory
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"mkstore":     cmdMkstore,
			"hold":        cmdHold,
			"fingerprint": cmdFingerprint,
			"only":        cmdOnly,
			"status":      cmdStatus,
			"spoil":       cmdSpoil,
			"app":         cmdApp,
			"idof":        cmdIDOf,
		},
	})
}

// spec is a session to be made, one per line. Times are relative to now.
type spec struct {
	ID         string // hex digits, filled up with zeros
	User       string
	Created    string // how long ago
	Access     string // how long ago
	MaxAge     string
	Components map[string]map[string]any
}

// cmdMkstore makes a store: mkstore FILE SPEC.
func cmdMkstore(ts *testscript.TestScript, _ bool, args []string) {
	store, err := session.Open(ts.MkAbs(args[0]), &session.BoltOptions{Reap: session.Never})
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		s, err := parseSpec(store, line)
		ts.Check(err)
		ts.Check(store.Save(context.Background(), s))
	}
	ts.Check(store.Close())
}

// parseSpec returns the session that a line describes.
func parseSpec(store session.Store, line string) (*session.Session, error) {
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	sp := spec{Created: "1h", Access: "1m", MaxAge: "4h"}
	if err := dec.Decode(&sp); err != nil {
		return nil, err
	}
	id, err := session.ParseID(sp.ID + strings.Repeat("0", 64-len(sp.ID)))
	if err != nil {
		return nil, err
	}
	created, err1 := time.ParseDuration(sp.Created)
	access, err2 := time.ParseDuration(sp.Access)
	maxAge, err3 := time.ParseDuration(sp.MaxAge)
	if err1 != nil || err2 != nil || err3 != nil {
		return nil, fmt.Errorf("times of %s: %v %v %v", sp.ID, err1, err2, err3)
	}
	now := time.Now()
	meta := session.Meta{
		Created: now.Add(-created), LastAccess: now.Add(-access), MaxAge: maxAge,
		End: now.Add(session.DefaultLifetime), User: sp.User, Salt: make([]byte, 16),
	}
	s := session.NewSession(store, id, meta)
	return s, fill(s, sp.Components)
}

func fill(s *session.Session, components map[string]map[string]any) error {
	for name, values := range components {
		c, err := s.Component(context.Background(), name)
		if err != nil {
			return err
		}
		for key, value := range values {
			if n, ok := value.(json.Number); ok {
				if value, err = n.Int64(); err != nil {
					return err
				}
			}
			if err := c.Set(key, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// cmdHold has the test open a store until the script ends, as an app does, or as another reader
// with a second argument: hold FILE [reading].
func cmdHold(ts *testscript.TestScript, _ bool, args []string) {
	store, err := session.Open(ts.MkAbs(args[0]), &session.BoltOptions{ReadOnly: len(args) > 1, NoSocket: true})
	ts.Check(err)
	ts.Defer(func() { store.Close() })
}

// cmdFingerprint writes what tells whether a file was touched: fingerprint FILE OUT.
func cmdFingerprint(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	data, err := os.ReadFile(path)
	ts.Check(err)
	text := fmt.Sprintf("%x %d %v %v\n", sha256.Sum256(data), info.Size(), info.Mode(), info.ModTime().UnixNano())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// cmdOnly checks that a directory has one file: only DIR NAME.
func cmdOnly(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(entries) != 1 || entries[0].Name() != args[1] {
		ts.Fatalf("%s has %v, not only %s", args[0], entries, args[1])
	}
}

// cmdStatus runs sessctl in the script's directory and checks its exit status: status N ARG...
// Its output is there for stdout and stderr, as after exec.
func cmdStatus(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("sessctl", args[1:]...)
	got := "0"
	if exit, ok := err.(interface{ ExitCode() int }); ok {
		got = fmt.Sprint(exit.ExitCode())
	} else {
		ts.Check(err)
	}
	if got != args[0] {
		ts.Fatalf("sessctl %s exits with %s, not %s", strings.Join(args[1:], " "), got, args[0])
	}
}

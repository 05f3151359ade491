package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/boltsession/session/internal/boltfile"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdSpoil overwrites the page on which a session lies, named by the first digits of its ID, and
// sets $PAGE to its number: spoil FILE DIGITS.
func cmdSpoil(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	id, err := hex.DecodeString(args[1])
	ts.Check(err)
	content, err := os.ReadFile(path)
	ts.Check(err)
	wreck, err := boltfile.NewSalvage(bytes.NewReader(content), int64(len(content)))
	ts.Check(err)
	page := uint64(0)
	ts.Check(wreck.Walk(boltfile.Current, boltfile.Walker{Found: func(f boltfile.Found) error {
		if len(f.Path) == 2 && bytes.HasPrefix(f.Key, id) {
			page = f.Page
		}
		return nil
	}}))
	if page == 0 {
		ts.Fatalf("%s has no session %s", args[0], args[1])
	}
	copy(content[page*uint64(wreck.PageSize()):], bytes.Repeat([]byte("spoilt! "), wreck.PageSize()/8))
	ts.Check(os.WriteFile(path, content, 0o600))
	ts.Setenv("PAGE", fmt.Sprint(page))
}

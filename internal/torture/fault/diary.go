//go:build linux

package fault

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"github.com/boltsession/session"
)

// deed is one call that a part made, and what it was answered. A line with Begun comes before the
// call, one without after it.
type deed struct {
	Op    string `json:"op"`
	ID    int    `json:"id,omitempty"`
	To    int    `json:"to,omitempty"`    // of a renewal
	Value int    `json:"value,omitempty"` // what is saved, or was read
	User  string `json:"user,omitempty"`
	Begun bool   `json:"begun,omitempty"`
	Err   string `json:"err,omitempty"`  // the kind of error
	Said  string `json:"said,omitempty"` // its message
	IDs   []int  `json:"ids,omitempty"`  // of a listing
	Torn  bool   `json:"torn,omitempty"` // what was read is not what one save wrote
	Took  int64  `json:"took,omitempty"` // ms
}

// diary is where a part writes its deeds down. What it has written is in the pipe when the part dies.
type diary struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func newDiary(w io.Writer) *diary { return &diary{enc: json.NewEncoder(w)} }

func (d *diary) write(e deed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.enc.Encode(e)
}

// do writes down that a call begins, makes it, and writes down what came of it.
func (d *diary) do(e deed, call func(*deed) error) error {
	begun := e
	begun.Begun = true
	d.write(begun)
	err := call(&e)
	e.Err = kindOf(err)
	if err != nil {
		e.Said = err.Error()
	}
	d.write(e)
	return err
}

// untyped is the kind of an error that no caller could test for.
const untyped = "untyped"

var errorKinds = []struct {
	kind string
	err  error
}{
	// ErrUncertain first: it counts before what it comes with.
	{"uncertain", session.ErrUncertain}, {"full", session.ErrFull}, {"failed", session.ErrFailed},
	{"closed", session.ErrClosed}, {"notfound", session.ErrNotFound}, {"exists", session.ErrExists},
	{"locked", session.ErrLocked}, {"format", session.ErrFormat}, {"context", context.DeadlineExceeded},
}

// kindOf says what errors.Is and errors.As say of err; "" for none.
func kindOf(err error) string {
	if err == nil {
		return ""
	}
	for _, k := range errorKinds {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	var corrupt *session.CorruptError
	if errors.As(err, &corrupt) {
		return "corrupt"
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return untyped
}

// readDiary reads deeds until the pipe ends, and hands each to f. What is not one is returned: the
// part's dying words, perhaps.
func readDiary(r io.Reader, f func(deed)) (rest []string) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e deed
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			rest = append(rest, lines.Text())
			continue
		}
		f(e)
	}
	if err := lines.Err(); err != nil {
		rest = append(rest, fmt.Sprintf("reading the diary: %v", err))
	}
	return rest
}

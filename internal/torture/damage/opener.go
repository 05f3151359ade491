//go:build linux

package damage

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/naive"
)

// openRequest asks a process to do something with what is at a path.
type openRequest struct {
	Do      string // "open", "read only", "move aside", "check", "recover", "naively"; of one that holds the file: see holder
	Path    string
	Timeout time.Duration
}

// An opening is what came of it.
type opening struct {
	Kind string // of error
	Says string
	Took time.Duration
	Log  string
}

// playOpener is the process that opens what it is told to and closes it again. An argument is the
// user that it becomes.
func playOpener(args []string) error {
	if len(args) == 1 {
		uid, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		if err := syscall.Setuid(uid); err != nil {
			return fmt.Errorf("become user %d: %w", uid, err)
		}
	}
	return answerAll(os.Stdin, os.Stdout, func(q openRequest) (o opening, err error) {
		start := time.Now()
		err = q.open()
		o.Took, o.Kind = time.Since(start), kindOf(err)
		if err != nil {
			o.Says = err.Error()
		}
		return o, nil
	})
}

// open does what is asked for.
func (q openRequest) open() error {
	ctx := context.Background()
	opts := session.BoltOptions{NoSocket: true, Timeout: q.Timeout, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	switch q.Do {
	case "check":
		_, err := session.Check(ctx, q.Path)
		return err
	case "recover":
		dest := q.Path + ".recovered"
		defer os.Remove(dest)
		_, err := session.Recover(ctx, q.Path, dest, nil)
		return err
	case "naively":
		store, err := naive.Open(q.Path)
		if err != nil {
			return err
		}
		return store.Close()
	case "read only":
		opts.ReadOnly = true
	case "move aside":
		opts.OnCorrupt = session.MoveAside
	}
	store, err := session.Open(q.Path, &opts)
	if err != nil {
		return err
	}
	return store.Close()
}

// holder is a process that has a store open.
type holder struct {
	store *session.BoltStore
	log   bytes.Buffer
	saved int
}

// playHolder is told to "open" a store and then to "save", "reap", "backup", "compact" and "close".
func playHolder([]string) error {
	var h holder
	return answerAll(os.Stdin, os.Stdout, func(q openRequest) (o opening, err error) {
		start := time.Now()
		h.log.Reset()
		err = h.do(context.Background(), q)
		o.Took, o.Kind, o.Log = time.Since(start), kindOf(err), h.log.String()
		if err != nil {
			o.Says = err.Error()
		}
		return o, nil
	})
}

func (h *holder) do(ctx context.Context, q openRequest) (err error) {
	k := stock{Name: "held", Sessions: 1 << 20}
	switch q.Do {
	case "open", "move aside":
		opts := session.BoltOptions{NoSocket: true, Timeout: q.Timeout, Reap: session.Never, Logger: slog.New(slog.NewTextHandler(&h.log, nil))}
		if q.Do == "move aside" {
			opts.OnCorrupt = session.MoveAside
		}
		h.store, err = session.Open(q.Path, &opts)
		return err
	case "save":
		h.saved++
		s := session.NewSession(h.store, session.TokenID(fmt.Sprint(os.Getpid(), " ", h.saved)), k.meta(0))
		if err := s.Set("n", "held"); err != nil {
			return err
		}
		return h.store.Save(ctx, s)
	case "reap":
		_, err = h.store.Reap(ctx)
		return err
	case "backup":
		return h.store.Backup(ctx, q.Path)
	case "compact":
		return h.store.Compact(ctx)
	case "close":
		return h.store.Close()
	}
	return fmt.Errorf("nobody knows how to %s", strings.TrimSpace(q.Do))
}

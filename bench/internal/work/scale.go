package work

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// scale is one store that grows.
func scale(s Size) Workload {
	w := Workload{
		Name:  "scale",
		About: "A store that grows. `save` is a read+write request of one client, `length`, `all`, `by user` and `clear` are the calls of those names, `open` is opening the file after it was closed, `crash` opening a copy of the file of the running store. Files are in the page cache.",
		Peers: []string{peer.Ours, peer.SQLite, peer.Bolt}, Shape: peer.Shape{Keys: 4}, Rounds: 3,
		Setup: func(*Env) error { return nil },
	}
	for _, n := range s.Scale {
		w.Cases = append(w.Cases, scaleCases(n)...)
	}
	return w
}

func scaleCases(n int) []Case {
	ours := []string{peer.Ours}
	return []Case{
		{Name: At("grow", n), Rounds: 1, Run: func(e *Env) (result.Sample, error) {
			return timed(e.Peer, func() error { return e.grow(n) })
		}},
		{Name: At("save", n), Run: func(e *Env) (result.Sample, error) {
			return load.Closed(e.Peer, e.distinct(1, peer.Write), e.Round)
		}},
		{Name: At("length", n), Peers: ours, Run: runLength},
		{Name: At("all", n), Run: func(e *Env) (result.Sample, error) {
			return timed(e.Peer, func() error { return e.counts(e.Peer.(peer.Walker).All) })
		}},
		{Name: At("by user", n), Peers: ours, Run: runByUser},
		{Name: At("open", n), Run: runOpen},
		{Name: At("crash", n), Run: runCrash},
		{Name: At("clear", n), Peers: ours, Rounds: 1, Run: runClear},
	}
}

// At returns the name of a case with so many sessions.
func At(name string, n int) string {
	switch {
	case n%1_000_000 == 0:
		return fmt.Sprintf("%s, %dM", name, n/1_000_000)
	case n%1000 == 0:
		return fmt.Sprintf("%s, %dk", name, n/1000)
	}
	return fmt.Sprintf("%s, %d", name, n)
}

// counts returns an error unless a call tells of all sessions.
func (e *Env) counts(call func() (int, error)) error {
	n, err := call()
	if err == nil && n != len(e.Cookies) {
		err = fmt.Errorf("%d sessions, want %d", n, len(e.Cookies))
	}
	return err
}

func runLength(e *Env) (result.Sample, error) {
	const batch = 1000
	length := e.Peer.(peer.Lengther)
	s, err := load.Closed(e.Peer, []load.Client{func(int) error {
		for range batch {
			if err := e.counts(length.Length); err != nil {
				return err
			}
		}
		return nil
	}}, e.Round/4)
	s.Extra = result.Figures{result.Nanos: s.P50 * 1e3 / batch}
	return s, err
}

func runByUser(e *Env) (result.Sample, error) {
	finder := e.Peer.(peer.Finder)
	return load.Closed(e.Peer, []load.Client{func(n int) error {
		found, err := finder.ByUser(peer.UserName(n * 7919 % len(e.Cookies)))
		if err == nil && found == 0 {
			err = errors.New("a user has no sessions")
		}
		return err
	}}, e.Round/4)
}

func runOpen(e *Env) (s result.Sample, err error) {
	if err := e.Peer.Close(); err != nil {
		return s, err
	}
	return timedOpen(func() (peer.Peer, error) {
		e.Peer, err = peer.Open(e.Name, e.Options)
		return e.Peer, err
	})
}

// timedOpen is timed for opening, before which there is no peer.
func timedOpen(open func() (peer.Peer, error)) (result.Sample, error) {
	none, err := peer.Open(peer.None, peer.Options{})
	if err != nil {
		return result.Sample{}, err
	}
	var p peer.Peer
	s, err := timed(none, func() (err error) { p, err = open(); return err })
	if err != nil {
		return s, err
	}
	s.FileBytes = p.Size()
	return s, nil
}

// runCrash opens what a killed process would leave: a copy of the files as they are.
func runCrash(e *Env) (result.Sample, error) {
	return e.onCopy(func(opts peer.Options) (result.Sample, error) {
		var p peer.Peer
		s, err := timedOpen(func() (_ peer.Peer, err error) {
			p, err = peer.Open(e.Name, opts)
			return p, err
		})
		if err != nil {
			return s, err
		}
		if err := peer.NewVisit(p).Do(peer.Read, e.Cookies[0]); err != nil {
			return s, err
		}
		return s, p.Close()
	})
}

// runClear clears a copy, so that the store can grow on.
func runClear(e *Env) (result.Sample, error) {
	return e.onCopy(func(opts peer.Options) (s result.Sample, err error) {
		p, err := peer.Open(e.Name, opts)
		if err != nil {
			return s, err
		}
		s, err = timed(p, func() error { return e.counts(p.(peer.Clearer).Clear) })
		if err != nil {
			return s, err
		}
		return s, p.Close()
	})
}

// onCopy calls f with options for a copy of the peer's files.
func (e *Env) onCopy(f func(peer.Options) (result.Sample, error)) (result.Sample, error) {
	opts := e.Options
	opts.Dir = e.Options.Dir + "-copy"
	defer os.RemoveAll(opts.Dir) // it is under a temporary directory
	if err := copyFiles(e.Options.Dir, opts.Dir); err != nil {
		return result.Sample{}, fmt.Errorf("copy files: %w", err)
	}
	return f(opts)
}

// copyFiles copies the regular files of a directory.
func copyFiles(from, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() { // a socket
			continue
		}
		if err := copyFile(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies a file and waits for the disk, so that nothing measured pays for it.
func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer dst.Close()
	if _, err := io.Copy(dst, src); err != nil {
		return err
	}
	return dst.Sync()
}

//go:build linux

package power

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/naive"
)

// A look is what there is in a directory after a power cut or a kill.
type look struct {
	Open    string // why the store cannot be opened, or is not sound, or cannot be written to
	Expired int
	Seen    []sighting
	Torn    []string         // sessions whose parts do not belong together
	Backups map[string]*look // by name
	Left    []string         // the names in the directory when all is done
	Said    string           // what was logged
}

// playLooker is a role: it looks into each directory that it reads the name of, and prints what is
// there. A panic that nothing can recover ends it, which is an answer, too.
func playLooker(args []string) error {
	at := lookAt
	if len(args) > 0 && args[0] == "naive" {
		at = lookAtNaive
	}
	out := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := out.Encode(at(context.Background(), lines.Text())); err != nil {
			return err
		}
	}
	return nil
}

// lookAt opens the store in a directory, as a program does that starts again.
func lookAt(ctx context.Context, dir string) *look {
	l := &look{Backups: make(map[string]*look)}
	if err := l.program(ctx, filepath.Join(dir, storeName)); err != nil {
		l.Open = err.Error()
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.Open += err.Error()
	}
	for _, e := range entries {
		l.Left = append(l.Left, e.Name())
		if strings.HasPrefix(e.Name(), "backup-") && strings.HasSuffix(e.Name(), ".db") {
			b := &look{}
			if err := b.backup(ctx, filepath.Join(dir, e.Name())); err != nil {
				b.Open = err.Error()
			}
			l.Backups[e.Name()] = b
		}
	}
	return l
}

// program checks, opens, reads, writes and closes the store.
func (l *look) program(ctx context.Context, path string) (err error) {
	defer recovered(&err)
	if _, err := os.Lstat(path); err == nil {
		report, err := session.Check(ctx, path)
		if err != nil {
			return fmt.Errorf("check before open: %w", err)
		}
		l.Expired = report.Expired
	}
	var said strings.Builder
	defer func() { l.Said = said.String() }()
	log := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	store, err := session.Open(path, &session.BoltOptions{Reap: session.Never, Logger: log})
	if err != nil {
		return err
	}
	err = errors.Join(l.read(ctx, store), saveOne(ctx, store))
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	if _, err = session.Check(ctx, path); err != nil {
		return fmt.Errorf("check after close: %w", err)
	}
	return nil
}

// backup checks a copy and reads it.
func (l *look) backup(ctx context.Context, path string) (err error) {
	defer recovered(&err)
	if _, err := session.Check(ctx, path); err != nil {
		return err
	}
	store, err := session.Open(path, &session.BoltOptions{ReadOnly: true, Logger: silent()})
	if err != nil {
		return err
	}
	return errors.Join(l.read(ctx, store), store.Close())
}

// recovered makes a panic an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v", r)
	}
}

// saveOne stores a session, to see that the store is of use.
func saveOne(ctx context.Context, store session.Store) error {
	s, err := store.Create(ctx, session.TokenID(time.Now().String()))
	if err != nil {
		return err
	}
	if err := nKey.Set(s, 1); err != nil {
		return err
	}
	return store.Save(ctx, s)
}

// read notes the sessions of a scribe.
func (l *look) read(ctx context.Context, store *session.BoltStore) error {
	for info, err := range store.All(ctx) {
		if err != nil {
			return err
		}
		if !info.ExpiresAt().After(time.Now()) {
			continue
		}
		s, err := store.Get(ctx, info.ID, moreName)
		if err != nil {
			return fmt.Errorf("get a listed session: %w", err)
		}
		if err := l.session(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// session notes one session, and whether it is whole.
func (l *look) session(ctx context.Context, s *session.Session) error {
	life, _ := lifeKey.Get(s)
	if life == sharedID {
		for _, key := range s.Keys() {
			if n, ok := session.Key[int](key).Get(s); ok {
				l.Seen = append(l.Seen, sighting{sharedID + "." + key, 1, n})
			}
		}
		return nil
	}
	more, err := s.Component(ctx, moreName)
	if err != nil {
		return err
	}
	gen, _ := genKey.Get(s)
	n, _ := nKey.Get(s)
	data, _ := dataKey.Get(s)
	same, _ := nKey.Get(more)
	if s.ID() != session.TokenID(tokenOf(life, gen)) || data != dataOf(life, n) || same != n {
		l.Torn = append(l.Torn, fmt.Sprintf("%s/%d: %d with %d bytes and %d", life, gen, n, len(data), same))
	}
	l.Seen = append(l.Seen, sighting{life, gen, n})
	return nil
}

// lookAtNaive opens a naive store.
func lookAtNaive(ctx context.Context, dir string) *look {
	l := &look{}
	err := func() (err error) {
		defer recovered(&err)
		store, err := naive.Open(filepath.Join(dir, storeName))
		if err != nil {
			return err
		}
		return errors.Join(saveOne(ctx, store), store.Close())
	}()
	if err != nil {
		l.Open = err.Error()
	}
	return l
}

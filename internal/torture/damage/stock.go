//go:build linux

package damage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/boltsession/session"
)

// stock is a store file of known content: all of it follows from these fields, so that another
// process knows it as well. Each value says where it belongs.
type stock struct {
	Name      string
	Sessions  int
	Parts     bool // components and users
	Big       bool // values that take several pages
	Encrypted bool
	Killed    bool // as kill -9 leaves it
	Expires   bool // some sessions have expired and are not reaped
}

// What became of a session of a stock.
const (
	stays = iota
	endsBefore
	expires
	endsLast // in the last commit
)

const stockUsers = 7

func (k stock) id(i int) session.ID { return session.TokenID(fmt.Sprint(k.Name, " ", i)) }

func (k stock) became(i int) int {
	switch {
	case i == k.Sessions-1:
		return endsLast
	case i%11 == 10:
		return endsBefore
	case k.Expires && i%17 == 5:
		return expires
	}
	return stays
}

// version is how often a session is saved.
func (k stock) version(i int) int {
	if i%3 == 1 && k.became(i) == stays {
		return 2
	}
	return 1
}

func (k stock) user(i int) string {
	if !k.Parts || i%2 == 1 {
		return ""
	}
	return fmt.Sprint("user ", i/2%stockUsers)
}

// parts are the components of a session, the global one included.
func (k stock) parts(i int) []string {
	parts := []string{""}
	if k.Parts && i%3 == 0 {
		parts = append(parts, "cart")
	}
	if k.Parts && i%5 == 0 {
		parts = append(parts, "form")
	}
	return parts
}

// keys are those of a component.
func (k stock) keys(i int, part string) []string {
	if k.Big && part == "" && i%9 == 0 {
		return []string{"big", "n", "text"}
	}
	return []string{"n", "text"}
}

func (k stock) value(i, version int, part, key string) string {
	s := fmt.Sprintf("v%d of %s %d/%s/%s. ", version, k.Name, i, part, key)
	switch key {
	case "big":
		return strings.Repeat(s, 20_000/len(s)+i)
	case "text":
		return s + s + s
	}
	return s
}

// set gives a session the values of a version.
func (k stock) set(ctx context.Context, s *session.Session, i, version int) error {
	for _, part := range k.parts(i) {
		c, err := s.Component(ctx, part)
		if err != nil {
			return err
		}
		for _, key := range k.keys(i, part) {
			if err := c.Set(key, k.value(i, version, part, key)); err != nil {
				return err
			}
		}
	}
	return s.SetUser(k.user(i))
}

// compare says what is wrong with session i as a store gave it: version is what it is to have; of
// 0, each value may be of any version that was ever stored, or its component missing.
func (k stock) compare(ctx context.Context, s *session.Session, i, version int) error {
	if s.ID() != k.id(i) || s.User() != k.user(i) {
		return fmt.Errorf("session %d has the ID %s and the user %q", i, s.ID().Short(), s.User())
	}
	for _, part := range k.parts(i) {
		c, err := s.Component(ctx, part)
		if err != nil {
			return fmt.Errorf("session %d: component %q: %w", i, part, err)
		}
		keys := slices.Sorted(slices.Values(c.Keys()))
		if version == 0 && len(keys) == 0 {
			continue
		}
		if !slices.Equal(keys, k.keys(i, part)) {
			return fmt.Errorf("session %d: component %q has the keys %.60q", i, part, keys)
		}
		for _, key := range keys {
			if got, err := k.read(c, i, version, part, key); err != nil {
				return fmt.Errorf("session %d: component %q, key %q: %w: %.40q", i, part, key, err, got)
			}
		}
	}
	return nil
}

var errOtherValue = errors.New("another value than was stored")

func (k stock) read(c *session.Component, i, version int, part, key string) (got string, err error) {
	if err := c.Get(key, &got); err != nil {
		return "", err
	}
	if version != 0 && got == k.value(i, version, part, key) {
		return got, nil
	}
	for v := 1; version == 0 && v <= k.version(i); v++ {
		if got == k.value(i, v, part, key) {
			return got, nil
		}
	}
	return got, errOtherValue
}

func (k stock) encryptionKeys() [][]byte {
	if !k.Encrypted {
		return nil
	}
	return [][]byte{[]byte("this key of the trial has 32 byte")[:32]}
}

// fill stores all that a stock ever had.
func (k stock) fill(ctx context.Context, store session.Store) error {
	err := k.each(func(i int) error {
		s := session.NewSession(store, k.id(i), k.meta(i))
		for v := 1; v <= k.version(i); v++ {
			if err := errors.Join(k.set(ctx, s, i, v), store.Save(ctx, s)); err != nil {
				return fmt.Errorf("save session %d: %w", i, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, when := range []int{endsBefore, endsLast} {
		err := k.each(func(i int) error {
			if k.became(i) == when {
				return store.Destroy(ctx, k.id(i))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("destroy: %w", err)
		}
	}
	return nil
}

func (k stock) meta(i int) session.Meta {
	now := time.Now()
	m := session.Meta{Created: now, LastAccess: now, MaxAge: 24 * time.Hour, End: now.Add(48 * time.Hour), Salt: []byte("sixteen bytes ..")}
	if k.became(i) == expires {
		m.LastAccess, m.MaxAge = now.Add(-2*time.Hour), time.Hour
	}
	return m
}

// each calls f for all sessions, for 16 at a time.
func (k stock) each(f func(i int) error) error {
	var workers sync.WaitGroup
	errs := make([]error, 16)
	for w := range errs {
		workers.Go(func() {
			for i := w; i < k.Sessions && errs[w] == nil; i += len(errs) {
				errs[w] = f(i)
			}
		})
	}
	workers.Wait()
	return errors.Join(errs...)
}

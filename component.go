package session

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/boltsession/session/internal/record"
)

// maxName is the length in bytes of the longest key, component or user name.
const maxName = 255

// Component is a named map of keys to values of one session, as [Session.Component] returns
// it. It belongs to the handle it came from and goes where that goes. It is safe for
// concurrent use.
type Component struct{ component }

// Values is what holds values: a *Session, for its global component, or a *Component.
type Values interface{ values() *component }

// component is a component seen through a handle.
type component struct {
	s    *Session
	name string
}

func (c *component) values() *component { return c }

// Get decodes the value of key into dst, a non-nil pointer. It returns ErrNoKey if there is no
// value and a *[DecodeError] if it does not fit dst, which is unchanged then. Every Get decodes
// anew: callers share no memory.
func (c *component) Get(key string, dst any) error {
	value, _ := c.look(key)
	if value == nil {
		return ErrNoKey
	}
	if err := record.Decode(value, dst); err != nil {
		return &DecodeError{Component: c.name, Key: key, Type: typeName(dst), Err: err}
	}
	return nil
}

// typeName returns the type that dst points to.
func typeName(dst any) string { return strings.TrimPrefix(fmt.Sprintf("%T", dst), "*") }

// Set encodes v and keeps it under key; it is stored by the next save. Of a struct the exported
// fields are kept, as with encoding/json, whose tags apply (cbor tags come first); unexported
// ones and those tagged "-" are left out. Setting what is there
// already is no change. The errors leave the earlier value as it was: ErrUnsupportedValue if v
// could not be read back equal, ErrTooLarge if it or the component would be too large,
// ErrInvalidName for a key that is empty, longer than 255 bytes, not UTF-8 or has a NUL,
// ErrNotFound if the session has ended, ErrReleased if its request has, ErrNoSession if there
// is none.
func (c *component) Set(key string, v any) error {
	value, err := c.encode(key, v)
	if err != nil {
		return err
	}
	_, err = c.swap(key, value, nil)
	return err
}

// Remove removes the keys. It does nothing on a handle whose Set would fail.
func (c *component) Remove(keys ...string) {
	for _, key := range keys {
		c.swap(key, nil, nil)
	}
}

// RemoveAll removes all keys of the component, those included that others stored meanwhile. It
// does nothing on a handle whose Set would fail.
func (c *component) RemoveAll() {
	l, err := c.s.lockLive()
	if err != nil {
		return
	}
	defer l.mu.Unlock()
	l.partLocked(c.name).clear(l.nextLocked())
}

// Keys returns the component's keys, sorted.
func (c *component) Keys() []string {
	l := c.s.state.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.partLocked(c.name).keys()
}

// look returns the encoded value of key, nil for none, and the generation of its last change.
func (c *component) look(key string) ([]byte, uint64) {
	l := c.s.state.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.partLocked(c.name).find(key)
}

// swap sets key to an encoded value, or removes it when value is nil, if the key's generation is
// still that at gen (any, when gen is nil). It tells whether it was.
func (c *component) swap(key string, value []byte, gen *uint64) (bool, error) {
	l, err := c.s.lockLive()
	if err != nil {
		return false, err
	}
	defer l.mu.Unlock()
	p := l.partLocked(c.name)
	old, now := p.find(key)
	if gen != nil && *gen != now {
		return false, nil
	}
	if bytes.Equal(old, value) {
		return true, nil
	}
	if value != nil {
		if err := checkSize(p.size+p.delta(key, value)+mapHead, c.s.limit()); err != nil {
			return false, err
		}
	}
	p.put(key, value, l.nextLocked())
	return true, nil
}

// encode checks the key and encodes the value, with no lock held: it may run code of v's type.
func (c *component) encode(key string, v any) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	value, err := record.Encode(v, c.s.limit())
	switch {
	case errors.Is(err, record.ErrTooLarge):
		return nil, fmt.Errorf("%w: %w", ErrTooLarge, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnsupportedValue, err)
	}
	return value, nil
}

// mapHead is the most that a component takes beside its entries.
const mapHead = 5

// checkSize returns ErrTooLarge if a component of size bytes is over the limit.
func checkSize(size, limit int) error {
	if size <= limit {
		return nil
	}
	return fmt.Errorf("%w: the component would have %d bytes, it may have %d", ErrTooLarge, size, limit)
}

// checkKey says what is wrong with a key.
func checkKey(key string) error {
	if key == "" {
		return fmt.Errorf("%w: the key is empty", ErrInvalidName)
	}
	return checkName("key", key)
}

// checkName says what is wrong with the name of a key, component or user. The name is not part
// of the error.
func checkName(what, name string) error {
	switch {
	case len(name) > maxName:
		return fmt.Errorf("%w: the %s has %d bytes, it may have %d", ErrInvalidName, what, len(name), maxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: the %s is not UTF-8", ErrInvalidName, what)
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("%w: the %s has a NUL", ErrInvalidName, what)
	}
	return nil
}

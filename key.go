package session

import "github.com/boltsession/session/internal/record"

// Key is the name of a value together with its type, best a package constant:
//
//	const Views session.Key[int] = "views"
type Key[T any] string

// Get returns the value. ok is false, and the value zero, if there is none or it does not
// decode into a T; [Session.Get] tells which.
func (k Key[T]) Get(c Values) (v T, ok bool) {
	value, _ := c.values().look(string(k))
	return k.decode(value)
}

// Set keeps v; its errors are those of [Session.Set].
func (k Key[T]) Set(c Values, v T) error { return c.values().Set(string(k), v) }

// Update sets the value to what fn makes of it, of the zero value if there is none or it does
// not decode, and returns what it set. No concurrent change of the key by another handle of
// the process is lost: fn runs without a lock, and again when the key changed meanwhile, so it
// must have no other effect. It may read the session. The errors are those of [Session.Set].
func (k Key[T]) Update(c Values, fn func(T) T) (T, error) {
	comp := c.values()
	for {
		old, gen := comp.look(string(k))
		v, _ := k.decode(old)
		v = fn(v)
		value, err := comp.encode(string(k), v)
		if err != nil {
			return v, err
		}
		if ok, err := comp.swap(string(k), value, &gen); ok || err != nil {
			return v, err
		}
	}
}

// Pop returns the value and removes it: of several calls at once, one gets it. ok is false if
// there is none, it does not decode (and stays) or the handle cannot write.
func (k Key[T]) Pop(c Values) (v T, ok bool) {
	comp := c.values()
	for {
		value, gen := comp.look(string(k))
		if v, ok = k.decode(value); !ok {
			return v, false
		}
		swapped, err := comp.swap(string(k), nil, &gen)
		if err != nil {
			var zero T
			return zero, false
		}
		if swapped {
			return v, true
		}
	}
}

// Remove removes the value.
func (k Key[T]) Remove(c Values) { c.values().Remove(string(k)) }

func (k Key[T]) decode(value []byte) (v T, ok bool) {
	if value == nil {
		return v, false
	}
	if err := record.Decode(value, &v); err != nil {
		var zero T
		return zero, false
	}
	return v, true
}

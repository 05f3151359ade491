package statemachine

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/boltsession/session"
	"pgregory.net/rapid"
)

// newSlot returns a token that nobody has used, of the form that tokens have.
func (w *world) newSlot() slot {
	w.made++
	sum := sha256.Sum256([]byte{byte(w.made), byte(w.made >> 8)})
	token := base64.RawURLEncoding.EncodeToString(sum[:])
	return w.knows(token)
}

// knows returns the slot of a token, and has its session checked from now on.
func (w *world) knows(token string) slot {
	id := session.TokenID(token)
	w.known = append(w.known, id)
	return slot{token, id}
}

// name names a session in messages. It is the same when the sequence is run again, as the IDs of
// random tokens are not.
func (w *world) name(id session.ID) string {
	if i := slices.Index(w.known, id); i >= 0 {
		return fmt.Sprintf("session %d", i)
	}
	return "a session whose token nobody has"
}

func (w *world) slot() *slot {
	return &w.slots[rapid.IntRange(0, slots-1).Draw(w.T, "session")]
}

// pick returns a handle and its place. Without any, another action is drawn.
func (w *world) pick() (int, *handle) {
	var there []int
	for i, h := range w.handles {
		if h != nil {
			there = append(there, i)
		}
	}
	if len(there) == 0 {
		w.Skip("there are no handles")
	}
	i := rapid.SampledFrom(there).Draw(w.T, "handle")
	return i, w.handles[i]
}

// put puts a handle in the place of another one, which is released.
func (w *world) put(h *handle) {
	i := rapid.IntRange(0, handles-1).Draw(w.T, "handle")
	if old := w.handles[i]; old != nil {
		w.release(old)
	}
	w.handles[i] = h
}

// release releases a handle that came from Acquire.
func (w *world) release(h *handle) {
	if h.release != nil && !h.released {
		h.release()
		w.model.leave(h.live)
		h.released = true
	}
}

// door returns the store, or the ProxyStore before it: both have to do.
func (w *world) door() (store session.Store, byProxy bool) {
	if rapid.Bool().Draw(w.T, "by proxy") {
		return w.manager.Store(), true
	}
	return w.store, false
}

// as returns what a store offers, found through the ProxyStore or not.
func as[T any](w *world) T {
	store, _ := w.door()
	t, ok := session.As[T](store)
	if !ok {
		w.Fatalf("%T does not offer %T", store, t)
	}
	return t
}

// seldom has an action done in one of n times that it is drawn; else another one is.
func (w *world) seldom(n int) {
	if rapid.IntRange(0, n-1).Draw(w.T, "seldom") != 0 {
		w.Skip("not now")
	}
}

func (w *world) component() string { return rapid.SampledFrom(components).Draw(w.T, "component") }
func (w *world) key() string       { return rapid.SampledFrom(keys).Draw(w.T, "key") }
func (w *world) user() string      { return rapid.SampledFrom(users).Draw(w.T, "user") }

// value returns a value; two of the long ones are too large for a component of smallLimit bytes.
func (w *world) value() string {
	return rapid.SampledFrom([]string{"x", "y", "", strings.Repeat("z", 60)}).Draw(w.T, "value")
}

// smallLimit is a limit of components that sequences reach.
const smallLimit = 100

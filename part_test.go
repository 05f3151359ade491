package session

import "testing"

// A long-lived session that sets and removes ever new keys does not collect them.
func TestPartForgetsWhatIsRemovedAndSaved(t *testing.T) {
	p := part{}
	p.put("message-1", []byte{1}, 1)
	p.saved(1)
	p.put("message-1", nil, 2)
	equal(t, "dirty", p.dirty(), true)
	p.saved(1)
	equal(t, "removed keys after a save of what came before", len(p.changes().Removed), 1)
	p.saved(2)
	equal(t, "changes kept", len(p.changed), 0)
	equal(t, "size", p.size, 0)
}

// What the store had stays hidden when its removal is saved.
func TestPartKeepsHidingWhatWasStored(t *testing.T) {
	s := LoadSession(nil, ID{}, Meta{}, map[string]map[string][]byte{"": {"a": {1}, "b": {2}}})
	s.Remove("a")
	s.Saved(s.Changes())
	equalList(t, "keys", s.Keys(), []string{"b"})
	var n int
	wantErr(t, s.Get("a", &n), ErrNoKey)
}

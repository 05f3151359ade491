package session

import "testing"

// TestFollowKnowsWhatIsLeftOfValues: what follows a session's metadata is its values or the next
// session's metadata. A key of zeros, as a file that was cut off while it was open has, ends in the
// byte of metadata and is neither.
func TestFollowKnowsWhatIsLeftOfValues(t *testing.T) {
	id, next := testID(1), testID(2)
	if compareIDs(id, next) > 0 {
		id, next = next, id
	}
	for _, tt := range []struct {
		name    string
		key     []byte
		damaged bool
	}{
		{"its values", dataKey("", id), false},
		{"another session", metaKey(next), false},
		{"the end", nil, false},
		{"another session's values", dataKey("", next), true},
		{"a session before it", metaKey(ID{1}), true},
		{"zeros", make([]byte, len(id)+1), true},
		{"nothing", []byte{}, true},
	} {
		raw := rawSession{meta: []byte("metadata")}
		raw.follow(id, tt.key, nil)
		if damaged := len(raw.meta) == 0; damaged != tt.damaged {
			t.Errorf("followed by %s: damaged %v, want %v", tt.name, damaged, tt.damaged)
		}
	}
}

package session

import (
	"errors"
	"testing"
)

func TestBoltStoreKeepsSessions(t *testing.T) {
	b := openBolt(t, nil)
	create(t, b, testID(1))
	s, err := b.Get(t.Context(), testID(1))
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := Key[int]("n").Get(s); n != 1 || !ok {
		t.Errorf("n = %d, %v", n, ok)
	}
	if err := b.Destroy(t.Context(), testID(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Destroy: %v", err)
	}
	create(t, b, testID(2))
}

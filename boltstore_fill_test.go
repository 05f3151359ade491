package session

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

// TestBoltStoreBurstFillsPages: a burst of new sessions leaves its pages no emptier than sessions do
// that come one at a time.
func TestBoltStoreBurstFillsPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, &BoltOptions{SyncEvery: time.Second})
		for i := range 4000 {
			s, err := b.Create(t.Context(), TokenID(strconv.Itoa(i)))
			if err != nil {
				t.Fatal(err)
			}
			s.Set("name", strings.Repeat("a", 300))
			cart, _ := s.Component(t.Context(), "cart")
			cart.Set("items", strings.Repeat("b", 400))
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		b.view(func(tx *bolt.Tx) error {
			sessions := tx.Bucket(sessionsBucket)
			for name, bucket := range map[string]*bolt.Bucket{"global": sessions.Bucket(globalBucket), "cart": sessions.Bucket([]byte("cart"))} {
				st := bucket.Stats()
				if full := float64(st.LeafInuse) / float64(st.LeafAlloc); full < 0.6 || st.KeyN < 4000 {
					t.Errorf("the pages of %s are full to %.2f, with %d keys", name, full, st.KeyN)
				}
			}
			return nil
		})
	})
}

func TestNewcomersDense(t *testing.T) {
	id := func(i, of int) (id ID) { // the i-th of some that are spread evenly
		id[0], id[1] = byte(i<<16/of>>8), byte(i<<16/of)
		return id
	}
	for _, c := range []struct {
		what         string
		n, of, there int
		want         bool
	}{
		{"the first of a store", 64, 64, 0, true},
		{"few, in an empty store", leastDense - 1, 64, 0, false},
		{"as many as there are", 1000, 1000, 1000, true},
		{"a tenth of what there is", 1000, 1000, 10_000, false},
		{"in a small part, as many as are there", 100, 1000, 1000, true},
		{"in a small part, a tenth of what is there", 100, 1000, 10_000, false},
	} {
		var n newcomers
		for i := range c.n {
			n.add(id(i, c.of))
		}
		if got := n.dense(int64(c.there + c.n)); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}

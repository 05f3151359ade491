package session

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestListLeavesOutWhatWasRefused: a listing does not have a session whose end is stored between the
// listing's reading it and its telling of it.
func TestListLeavesOutWhatWasRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b := openBolt(t, &BoltOptions{commit: fail.commit})
		createMany(t, b, 3, nil)
		fail.next(noRoom, noRoom)
		if err := b.Destroy(t.Context(), testID(1)); !errors.Is(err, ErrFull) {
			t.Fatalf("Destroy: %v", err)
		}
		synctest.Wait()
		fail.next()
		for info, err := range b.All(t.Context()) {
			if err != nil || info.ID == testID(1) {
				t.Errorf("All has %v, %v", info.ID.Short(), err)
			}
			time.Sleep(2 * retryRefused)
			if n := b.Stats().Refused; n != 0 {
				t.Errorf("%d ends are owed: the test proves nothing", n)
			}
		}
	})
}

package session

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

// TestObserversOfLiveSessionsComeFirst: a user's slow function keeps nobody's live session alive,
// and a second end, which finds nothing to do, does not answer before the session is gone.
func TestObserversOfLiveSessionsComeFirst(t *testing.T) {
	for name, open := range map[string]func(*testing.T) Store{
		"memory": func(*testing.T) Store { return NewMemoryStore(nil) },
		"bolt":   func(t *testing.T) Store { return openBolt(t, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, slow := open(t), make(chan struct{})
				store.(Notifier).OnDestroy(func(ID, Reason) { <-slow })
				proxy := NewProxyStore(func() (Store, error) { return store, nil }, nil)
				created, err := proxy.Create(t.Context(), testID(1))
				if err != nil || created.Save(t.Context()) != nil {
					t.Fatal(err)
				}
				s, release, err := proxy.Acquire(t.Context(), testID(1))
				if err != nil {
					t.Fatal(err)
				}
				defer release()
				go store.Destroy(t.Context(), testID(1))
				synctest.Wait()
				defer close(slow)
				if err := store.Destroy(t.Context(), testID(1)); err != nil {
					t.Error(err)
				}
				if _, _, err := proxy.Acquire(t.Context(), testID(1)); !errors.Is(err, ErrNotFound) {
					t.Errorf("Acquire after Destroy: %v", err)
				}
				if err := s.Set("n", 1); !errors.Is(err, ErrNotFound) {
					t.Errorf("Set after Destroy: %v", err)
				}
			})
		})
	}
}

// TestObserversHelpEachOther: whoever finds that a session ended, and answers so, does not leave
// it to the one who ended it to tell the ProxyStores. Users are told once, by that one.
func TestObserversHelpEachOther(t *testing.T) {
	var o observers
	var live, users []ID
	o.addProxy(func(id ID, _ Reason) { live = append(live, id) })
	o.add(func(id ID, _ Reason) { users = append(users, id) })
	first := o.publish(ending{testID(1), Renewed})
	o.tell(nil)
	if !slices.Contains(live, testID(1)) || len(users) != 0 {
		t.Errorf("with the first on its way, %d were told to ProxyStores and %d to users", len(live), len(users))
	}
	o.tell(first)
	if len(users) != 1 || len(o.untold) != 0 {
		t.Errorf("%d were told to users, %d are untold", len(users), len(o.untold))
	}
	told := len(live)
	o.tell(nil)
	if o.tell(o.publish()); len(live) != told || len(users) != 1 {
		t.Errorf("told again: %d and %d", len(live), len(users))
	}
}

// TestObserverThatPanics leaves no live session behind.
func TestObserverThatPanics(t *testing.T) {
	var o observers
	var live []ID
	o.add(func(ID, Reason) { panic("user") })
	o.addProxy(func(id ID, _ Reason) { live = append(live, id) })
	n := o.publish(ending{testID(1), Revoked}, ending{testID(2), Revoked})
	func() {
		defer func() { recover() }()
		o.tell(n)
	}()
	if len(live) != 2 || len(o.untold) != 0 {
		t.Errorf("%d of 2 live sessions ended, %d untold", len(live), len(o.untold))
	}
}

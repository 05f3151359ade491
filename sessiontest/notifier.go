package sessiontest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/boltsession/session"
)

func notifierChecks() []check {
	return []check{
		{"Reasons", checkReasons},
		{"Nothing", checkNoNotice},
		{"AfterCommit", checkAfterCommit},
		{"UseInCallback", checkUseInCallback},
		{"Cancel", checkNoticeCancel},
		{"OnceEach", checkOnceEach},
	}
}

// notices collects what OnDestroy tells.
type notices struct {
	mu   sync.Mutex
	list []notice
}

type notice struct {
	id     session.ID
	reason session.Reason
}

func (n *notices) add(id session.ID, reason session.Reason) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, notice{id, reason})
}

// take returns what came since the last call.
func (n *notices) take() []notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.list
	n.list = nil
	return list
}

// watch collects notices.
func (k *kit) watch() *notices {
	var n notices
	must[session.Notifier](k).OnDestroy(n.add)
	return &n
}

// told checks that exactly these notices came, before the call that ended them returned.
func (k *kit) told(n *notices, call string, want ...notice) {
	k.Helper()
	left := map[notice]int{}
	for _, w := range want {
		left[w]++
	}
	for _, got := range n.take() {
		if left[got]--; left[got] < 0 {
			k.Errorf("%s told OnDestroy that the session %s ended, reason %v, which was not so, or told it twice", call, got.id.Short(), got.reason)
		}
	}
	for w, n := range left {
		if n > 0 {
			k.Errorf("%s returned, but did not tell OnDestroy before that the session %s ended, reason %v", call, w.id.Short(), w.reason)
		}
	}
}

// checkReasons: every way to end a session tells, with its reason.
func checkReasons(k *kit) {
	first, second := k.watch(), k.watch()
	told := func(call string, want ...notice) {
		k.Helper()
		k.told(first, call, want...)
		k.told(second, call, want...)
	}
	for _, e := range k.endings() {
		s := k.stored(e.edit, ofUser("anna"))
		if err := e.end(s); err != nil {
			k.Fatalf("%s: %v", e.name, err)
		}
		told(e.name, notice{s.ID(), e.reason})
	}
	k.stored()
	told("Save")
}

// ending is a way to end a session.
type ending struct {
	name   string
	reason session.Reason
	edit   func(*session.Meta) // what the session has to be like before
	end    func(*session.Session) error
}

// endings returns the ways to end a session that the store has.
func (k *kit) endings() []ending {
	as := func(*session.Meta) {}
	endings := []ending{{"Destroy", session.Destroyed, as, func(s *session.Session) error { return k.store.Destroy(k.ctx, s.ID()) }}}
	if clearer, ok := session.As[session.Clearer](k.store); ok {
		endings = append(endings, ending{"Clear", session.Cleared, as, func(*session.Session) error {
			_, err := clearer.Clear(k.ctx)
			return err
		}})
	}
	if index, ok := session.As[session.UserIndex](k.store); ok {
		endings = append(endings, ending{"DestroyUser", session.Revoked, as, func(*session.Session) error {
			_, err := index.DestroyUser(k.ctx, "anna")
			return err
		}})
	}
	if reapable, ok := session.As[session.Reapable](k.store); ok {
		endings = append(endings, ending{"Reap", session.Expired, expired, func(*session.Session) error {
			_, err := reapable.Reap(k.ctx)
			return err
		}})
	}
	if renewer, ok := session.As[session.Renewer](k.store); ok { // the last one: it leaves a session
		endings = append(endings, ending{"Renew", session.Renewed, as, func(s *session.Session) error {
			return renewer.Renew(k.ctx, s, newID())
		}})
	}
	return endings
}

// checkNoNotice: what ends nothing tells nothing.
func checkNoNotice(k *kit) {
	n := k.watch()
	s := k.stored()
	s.Touch()
	set(k, s, "key", 1)
	k.save(s)
	k.get(s.ID())
	k.told(n, "Save, Touch or Get")
	if err := k.store.Destroy(k.ctx, newID()); err != nil {
		k.Fatalf("Destroy: %v", err)
	}
	k.told(n, "Destroy of nothing")
	if err := k.store.Destroy(k.ctx, s.ID()); err != nil {
		k.Fatalf("Destroy: %v", err)
	}
	if err := k.store.Destroy(k.ctx, s.ID()); err != nil {
		k.Fatalf("Destroy: %v", err)
	}
	k.told(n, "Destroy called twice", notice{s.ID(), session.Destroyed})
}

// checkAfterCommit: whoever is told finds the session ended.
func checkAfterCommit(k *kit) {
	for _, e := range k.endings() {
		s := k.stored(e.edit, ofUser("anna"))
		late := session.LoadSession(k.store, s.ID(), newMeta(), nil)
		var got []error
		cancel := must[session.Notifier](k).OnDestroy(func(id session.ID, _ session.Reason) {
			if id != s.ID() {
				return
			}
			_, err := k.store.Get(k.ctx, id)
			got = append(got, err)
			if late.Set("late", 1) == nil {
				got = append(got, k.store.Save(k.ctx, late))
			}
		})
		if err := e.end(s); err != nil {
			k.Fatalf("%s: %v", e.name, err)
		}
		cancel()
		for _, err := range got {
			k.is("Get or Save in a callback of OnDestroy, during "+e.name+",", err, session.ErrNotFound, "call back after the end is committed")
		}
		if len(got) == 0 {
			k.Errorf("%s returned without calling back", e.name)
		}
	}
}

// checkUseInCallback: a callback may use the store, even end other sessions.
func checkUseInCallback(k *kit) {
	for _, e := range k.endings() {
		other := k.stored()
		var failed error
		done := false
		cancel := must[session.Notifier](k).OnDestroy(func(session.ID, session.Reason) {
			if done {
				return
			}
			done = true
			_, err := k.tryStored()
			failed = errors.Join(err, k.store.Destroy(k.ctx, other.ID()))
		})
		if err := e.end(k.stored(e.edit, ofUser("anna"))); err != nil {
			k.Fatalf("%s: %v", e.name, err)
		}
		cancel()
		if failed != nil {
			k.Errorf("the store used in a callback of OnDestroy, during %s, gave %v: call back with no lock held", e.name, failed)
		}
		k.gone(other.ID(), "it was destroyed in a callback of OnDestroy")
	}
}

func checkNoticeCancel(k *kit) {
	var first, second notices
	notifier := must[session.Notifier](k)
	cancel := notifier.OnDestroy(first.add)
	notifier.OnDestroy(second.add)
	cancel()
	cancel()
	s := k.stored()
	if err := k.store.Destroy(k.ctx, s.ID()); err != nil {
		k.Fatalf("Destroy: %v", err)
	}
	k.told(&first, "Destroy, after cancel was called,")
	k.told(&second, "Destroy, after the cancel of another callback was called,", notice{s.ID(), session.Destroyed})
}

// checkOnceEach: of many who end one session at once, one tells.
func checkOnceEach(k *kit) {
	n := k.watch()
	k.rounds(200, 1, func() error {
		s, err := k.tryStored()
		if err != nil {
			return err
		}
		destroy := func() error { return k.store.Destroy(k.ctx, s.ID()) }
		if err := together(destroy, destroy, destroy); err != nil {
			return err
		}
		if got := n.take(); len(got) != 1 || got[0] != (notice{s.ID(), session.Destroyed}) {
			return fmt.Errorf("Destroy of one session, three times at once, told OnDestroy %d times, want once: %v", len(got), got)
		}
		return nil
	})
}

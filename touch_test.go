package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestTouchIsCollectedByTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		time.Sleep(time.Second)
		s.Touch()
		equal(t, "dirty", s.IsDirty(), false)
		equal(t, "last access", s.LastAccess().Equal(now()), true)
		copied, err := g.Get(t.Context(), id)
		must(t, err)
		equal(t, "stored last access", copied.LastAccess().Equal(now()), true)
		s.Touch()
		equal(t, "touches", g.count("Touch"), 1) // no time has passed since
	})
}

func TestTouchKeepsASessionAlive(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		for range 10 {
			time.Sleep(DefaultMaxAge / 2)
			s.Touch()
			must(t, s.Save(t.Context()))
		}
		equal(t, "count", countIn(t, g, id), 1)
		time.Sleep(DefaultMaxAge)
		s.Touch()
		wantErr(t, count.Set(s, 2), ErrNotFound)
		equal(t, "count after the last touch", countIn(t, g, id), -1)
	})
}

func TestTouchStopsAtTheEndOfTheLifetime(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s := acquire(t, p, stored(t, p, 1))
		end := s.metadata().End
		for range int(DefaultLifetime / DefaultMaxAge * 2) {
			s.Touch()
			time.Sleep(DefaultMaxAge / 2)
		}
		equal(t, "end", s.metadata().End, end)
		wantErr(t, label.Set(s, "late"), ErrNotFound)
		isEnded(t, s, 1)
	})
}

func TestTouchFailureIsMadeUpByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		g.fail("Touch", 1, ErrFull)
		time.Sleep(time.Hour)
		s.Touch()
		equal(t, "dirty", s.IsDirty(), false) // or a page that only reads would be an error page
		time.Sleep(time.Second)
		s.Touch()
		copied, err := g.Get(t.Context(), id)
		must(t, err)
		equal(t, "stored last access", copied.LastAccess().Equal(now()), true)
	})
}

// A store that collects no touches writes at most every half minute, or tenth of the max age.
func TestTouchIsSavedNowAndThen(t *testing.T) {
	for maxAge, every := range map[time.Duration]time.Duration{
		time.Hour: 30 * time.Second, time.Minute: 6 * time.Second, 5 * time.Second: time.Second,
	} {
		t.Run(maxAge.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, g := newPlainProxy(t)
				id := stored(t, p, 1)
				s := acquire(t, p, id)
				must(t, s.SetMaxAge(maxAge))
				must(t, s.Save(t.Context()))
				first := s.LastAccess()
				for range 3 { // touches so near to each other add up
					time.Sleep(every/3 - 1)
					s.Touch()
				}
				equal(t, "dirty too soon", s.IsDirty(), false)
				equal(t, "last access too soon", s.LastAccess().Equal(first), true)
				time.Sleep(every - 3*(every/3-1))
				s.Touch()
				equal(t, "dirty", s.IsDirty(), true)
				must(t, s.Save(t.Context()))
				copied, err := g.Get(t.Context(), id)
				must(t, err)
				equal(t, "stored last access", copied.LastAccess().Equal(now()), true)
			})
		})
	}
}

func TestTouchDoesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		ended := acquire(t, p, stored(t, p, 1))
		_, err := ended.Destroy(t.Context())
		must(t, err)
		fresh, _ := visit(t, p)
		id := stored(t, p, 1)
		released, release, err := p.Acquire(t.Context(), id)
		must(t, err)
		release()
		for what, s := range map[string]*Session{"ended": ended, "new": fresh, "released": released} {
			before := s.LastAccess()
			time.Sleep(time.Hour)
			s.Touch()
			equal(t, "last access of the "+what, s.LastAccess(), before)
			equal(t, "dirty: "+what, s.IsDirty(), false)
		}
		equal(t, "touches", g.count("Touch"), 0)
	})
}

// Reload takes over what others stored, but never a last access that is older than what is known.
func TestTouchIsNotLostByReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		time.Sleep(time.Hour)
		g.fail("Touch", 1, context.Canceled)
		s.Touch()
		must(t, s.Reload(t.Context()))
		equal(t, "last access", s.LastAccess().Equal(now()), true)
		time.Sleep(time.Hour)
		must(t, g.memory.Touch(t.Context(), id, now()))
		must(t, s.Reload(t.Context()))
		equal(t, "last access", s.LastAccess().Equal(now()), true)
	})
}

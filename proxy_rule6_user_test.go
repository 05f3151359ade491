package session

import (
	"testing"
)

func TestProxyRule6UserIsStagedUntilTheRenewal(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s, _ := bring(t, p, id)
		must(t, s.SetUser("mallory"))
		must(t, s.SetUser("ann"))
		equal(t, "user", s.User(), "")
		equal(t, "dirty", s.IsDirty(), false)
		must(t, count.Set(s, 2))
		must(t, s.Save(t.Context()))
		copied, err := g.Get(t.Context(), id)
		must(t, err)
		equal(t, "stored user", copied.User(), "")

		must(t, s.Renew(t.Context()))
		equal(t, "user", s.User(), "ann")
		copied, err = g.Get(t.Context(), s.ID())
		must(t, err)
		equal(t, "stored user", copied.User(), "ann")
	})
}

func TestProxyRule6UserIsNotStagedAfterTheRenewal(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, _ := bring(t, p, stored(t, p, 1))
		must(t, s.Renew(t.Context()))
		must(t, s.SetUser("ann"))
		equal(t, "user", s.User(), "ann")
		must(t, s.Save(t.Context()))

		s, _ = bring(t, p, s.ID())
		equal(t, "user", s.User(), "ann")
		must(t, s.SetUser("bob"))
		must(t, s.SetUser("ann")) // takes it back
		must(t, s.Renew(t.Context()))
		equal(t, "user", s.User(), "ann")
		s, _ = bring(t, p, s.ID())
		must(t, s.SetUser(""))
		equal(t, "user", s.User(), "")
		must(t, s.Save(t.Context()))
	})
}

// What was said of a session that is regenerated away does not come back with a renewal.
func TestProxyRule6UserIsNotStagedAfterRegenerate(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, _ := bring(t, p, stored(t, p, 1))
		must(t, s.SetUser("ann"))
		must(t, s.Regenerate(t.Context()))
		must(t, count.Set(s, 1))
		must(t, s.Save(t.Context()))
		must(t, s.Renew(t.Context()))
		equal(t, "user", s.User(), "")
	})
}

func TestProxyRule6UserOfANewSessionIsNotStaged(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, _ := visit(t, p)
		must(t, count.Set(s, 1))
		must(t, s.Save(t.Context()))
		must(t, s.SetUser("ann"))
		equal(t, "user", s.User(), "ann")
		must(t, s.Save(t.Context()))
		background := acquire(t, p, s.ID())
		must(t, background.SetUser("bob"))
		equal(t, "user", s.User(), "bob")
		must(t, s.Save(t.Context()))
	})
}

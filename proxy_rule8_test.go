package session

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"
)

func now() time.Time { return time.Now() }

func TestProxyRule8RetiredIsMarkedBeforeTheCommit(t *testing.T) {
	ends := map[string]struct {
		verb string
		end  func(t *testing.T, s *Session) error
	}{
		"Renew":      {"Renew", func(t *testing.T, s *Session) error { return s.Renew(t.Context()) }},
		"Regenerate": {"Destroy", func(t *testing.T, s *Session) error { return s.Regenerate(t.Context()) }},
	}
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, g := newProxy(t)
				id := stored(t, p, 1)
				s, _ := bring(t, p, id)
				at := g.blockAndFail(c.verb, 1, ErrFull)
				failing := start(t, func() error { return c.end(t, s) })
				at.wait()
				equal(t, "retired before the commit", p.retired.has(id, now()), true)
				at.open()
				failing.gives(ErrFull)
				equal(t, "retired after the failure", p.retired.has(id, now()), false)

				id = stored(t, p, 1)
				s, _ = bring(t, p, id)
				must(t, c.end(t, s))
				time.Sleep(time.Minute - time.Nanosecond)
				equal(t, "retired for a minute", p.retired.has(id, now()), true)
				time.Sleep(time.Nanosecond)
				equal(t, "retired after a minute", p.retired.has(id, now()), false)
			})
		})
	}
}

func TestProxyRule8DestroyedIsNotRetired(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		_, err := acquire(t, p, id).Destroy(t.Context())
		must(t, err)
		equal(t, "retired", p.retired.has(id, now()), false)
	})
}

func numbered(n int) (id ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)+1)
	return id
}

func TestProxyRule8RetiredAreAtMost65536(t *testing.T) {
	var r retiredIDs
	at := time.Unix(0, 0)
	for n := range 65536 {
		r.mark(numbered(n), at)
	}
	equal(t, "the first, when there is room", r.has(numbered(0), at), true)
	for n := 65536; n < 65536+1000; n++ {
		r.mark(numbered(n), at)
	}
	equal(t, "IDs", len(r.until), 65536)
	equal(t, "order", len(r.order), 65536)
	equal(t, "the oldest but the forgotten", r.has(numbered(1000), at), true)
	equal(t, "the youngest of the forgotten", r.has(numbered(999), at), false)
	equal(t, "the last", r.has(numbered(65536+999), at), true)

	r.mark(numbered(0), at.Add(time.Minute))
	equal(t, "IDs after a minute", len(r.until), 1)
	equal(t, "order after a minute", len(r.order), 1)
}

func TestProxyRule8WithdrawnAndMarkedAgain(t *testing.T) {
	var r retiredIDs
	at := time.Unix(0, 0)
	equal(t, "never marked", r.has(numbered(0), at), false)
	r.withdraw(numbered(0))
	r.mark(numbered(0), at)
	r.withdraw(numbered(0))
	equal(t, "withdrawn", r.has(numbered(0), at), false)
	later := at.Add(30 * time.Second)
	r.mark(numbered(0), later)
	r.mark(numbered(1), at.Add(time.Minute)) // the first mark is due
	equal(t, "marked again", r.has(numbered(0), later.Add(time.Minute-1)), true)
	equal(t, "a minute later", r.has(numbered(0), later.Add(time.Minute)), false)
	r.mark(numbered(2), at.Add(3*time.Minute))
	equal(t, "IDs", len(r.until), 1)
	equal(t, "order", len(r.order), 1)
}

//go:build linux

package hostile

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// revival ends sessions while requests of theirs are slow: whatever these then do, the session
// stays ended.
func revival(ctx context.Context, t *trial.Trial) error {
	s, err := newSite(t, "cookie", session.Options{})
	if err != nil {
		return err
	}
	defer s.shut()
	n, slow := t.Size(600, 60), 0
	for i := range n {
		made, err := s.revive(ctx, t, i)
		if err != nil {
			return err
		}
		slow += made
	}
	t.Figure("revival (Rack CVE-2025-46336): %d sessions ended by logout, by another's hand or by clearing all, %d slow requests that set, save or stream on: 0 sessions back%s", n, slow, t.Unless())
	return nil
}

// revive ends one session under slow requests.
func (s *site) revive(ctx context.Context, t *trial.Trial, i int) (slow int, err error) {
	v, err := s.enter(ctx, "cart", "old")
	if err != nil {
		return 0, err
	}
	old := visitor{site: s, token: v.token}
	const requests = 3
	var begun, over sync.WaitGroup
	ended := make(chan struct{})
	begun.Add(requests)
	for k := range requests {
		over.Go(func() { old.linger(ctx, t, k, sync.OnceFunc(begun.Done), ended) })
	}
	begun.Wait()
	err = s.endOne(ctx, v, i%3)
	close(ended)
	over.Wait()
	s.under.Wait()
	if err != nil {
		return 0, err
	}
	var cart string
	if _, err := old.visit(ctx, func(_ http.ResponseWriter, r *http.Request) { cart = text(r, "cart") }); err != nil {
		return 0, err
	}
	if cart != "" {
		t.Fail("a session that was ended (way %d) has cart %q after slow requests", i%3, cart)
	}
	return requests, nil
}

// linger is a slow request, of one of three kinds: it reads, and sets when the session has ended.
func (v visitor) linger(ctx context.Context, t *trial.Trial, kind int, started func(), ended <-chan struct{}) {
	defer started()
	_, err := v.visit(ctx, func(w http.ResponseWriter, r *http.Request) {
		text(r, "cart")
		if kind == 1 {
			http.NewResponseController(w).Flush()
		}
		started()
		<-ended
		session.From(r).Set("cart", "late")
		if kind == 2 {
			session.From(r).Save(r.Context())
		}
	})
	if err != nil {
		t.Fail("slow request: %v", err)
	}
}

// endOne ends a visitor's session in one of three ways.
func (s *site) endOne(ctx context.Context, v *visitor, how int) (err error) {
	var failed error
	id := session.TokenID(v.token)
	_, err = v.visit(ctx, func(_ http.ResponseWriter, r *http.Request) {
		m, ok := s.stack.(managed)
		switch {
		case how == 0 || !ok:
			_, failed = session.From(r).Destroy(r.Context())
		case how == 1:
			failed = m.m.Store().Destroy(r.Context(), id)
		default:
			clearer, _ := session.As[session.Clearer](m.m.Store())
			_, failed = clearer.Clear(r.Context())
		}
	})
	if err == nil {
		err = failed
	}
	return err
}

// mixedUp has many visitors give up on requests at any moment: who goes on gets answers of their
// own session's, never what was meant for another request.
func mixedUp(ctx context.Context, t *trial.Trial) error {
	s, err := newSite(t, "cookie", session.Options{})
	if err != nil {
		return err
	}
	defer s.shut()
	const clients = 32
	rounds := t.Size(1500, 100)
	given, whole, errs := make([]int, clients), make([]int, clients), make([]error, clients)
	replies := make(chan string, 1000)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			given[i], whole[i], errs[i] = s.giveUp(ctx, t, fmt.Sprintf("visitor-%02d", i), rounds, replies)
		})
	}
	wg.Wait()
	total, answered := 0, 0
	for i, err := range errs {
		if err != nil {
			return err
		}
		total, answered = total+given[i], answered+whole[i]
	}
	t.Figure("mixed up replies (go-redis CVE-2025-29923): %d requests given up at any moment among %d answered ones of %d visitors: 0 answers with another's data%s", total, answered, clients, t.Unless())
	return nil
}

// giveUp sends one visitor's requests.
func (s *site) giveUp(ctx context.Context, t *trial.Trial, name string, rounds int, replies chan string) (given, whole int, err error) {
	v, err := s.enter(ctx, "name", name)
	if err != nil {
		return 0, 0, err
	}
	read := func(w http.ResponseWriter, r *http.Request) {
		said := text(r, "name")
		if s.store == nil { // replies of all requests go one way, and whoever is there takes the next
			replies <- said
			if r.Context().Err() == nil {
				said = <-replies
			}
		}
		fmt.Fprint(w, said)
	}
	for i := range rounds {
		attempt, cancel := ctx, context.CancelFunc(func() {})
		if i%2 == 0 {
			attempt, cancel = context.WithTimeout(ctx, time.Duration(i%40)*25*time.Microsecond)
		}
		mine := visitor{site: s, token: v.token}
		p, err := mine.visit(attempt, read)
		cancel()
		switch {
		case err != nil && attempt.Err() != nil && ctx.Err() == nil:
			given++
		case err != nil:
			return given, whole, err
		default:
			whole++
			if p.body != name {
				t.Fail("%s reads %q", name, p.body)
			}
		}
	}
	return given, whole, nil
}

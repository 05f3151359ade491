//go:build linux

package hostile

import (
	"context"
	"net/http"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// duplicates brings two tokens: equal ones are one, of differing ones none is served, whichever
// comes first.
func duplicates(ctx context.Context, t *trial.Trial) error {
	tried := 0
	for _, transport := range transportNames {
		s, err := newSite(t, transport, session.Options{})
		if err != nil {
			return err
		}
		n, err := s.duplicates(ctx, t)
		s.shut()
		if err != nil {
			return err
		}
		tried += n
	}
	t.Figure("duplicates: %d requests with two tokens, the differing ones in either order: equal ones served, of the others none%s", tried, t.Unless())
	return nil
}

func (s *site) duplicates(ctx context.Context, t *trial.Trial) (tried int, err error) {
	for range t.Size(100, 10) {
		v, err := s.enter(ctx, "key", "mine")
		if err != nil {
			return tried, err
		}
		w, err := s.enter(ctx, "key", "another's")
		if err != nil {
			return tried, err
		}
		for _, c := range []struct {
			tokens []string
			want   string
		}{
			{[]string{v.token, v.token}, "mine"},
			{[]string{v.token, randomToken()}, ""},
			{[]string{randomToken(), v.token}, ""},
			{[]string{v.token, w.token}, ""},
			{[]string{w.token, v.token, w.token}, ""},
			{[]string{v.token, "junk"}, ""},
			{[]string{"", v.token}, ""},
			{[]string{randomToken(), randomToken()}, ""},
		} {
			if err := s.both(ctx, t, c.tokens, c.want); err != nil {
				return tried, err
			}
			tried++
		}
	}
	return tried, nil
}

// both reads with several tokens.
func (s *site) both(ctx context.Context, t *trial.Trial, tokens []string, want string) error {
	var got string
	records := s.records()
	r, err := s.request(ctx, func(_ http.ResponseWriter, r *http.Request) { got = text(r, "key") })
	if err != nil {
		return err
	}
	for _, token := range tokens {
		bring(r.Header, s.transport, token)
	}
	p, err := s.send(r)
	if err != nil {
		return err
	}
	token, _ := p.token()
	if got != want || token != "" || s.records() != records {
		t.Fail("%s: %d tokens open %q, not %q; the response sets %d bytes of token", s.transport, len(tokens), got, want, len(token))
	}
	return nil
}

//go:build linux

package hostile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// headerTable is what a response says besides what every response says, by transport and by what
// its handler does. "no session" is a client without a token. TOKEN stands for a token, END and
// LEFT for the end of the lifetime and the seconds until then.
const headerTable = `
cookie: nothing |
cookie: read | Cache-Control: no-store | Vary: Cookie
cookie: read, no session | Cache-Control: no-store | Vary: Cookie
cookie: public, read | Cache-Control: max-age=60, private | Vary: Cookie
cookie: varies, read | Cache-Control: no-store | Vary: Accept | Vary: Cookie
cookie: set | Cache-Control: no-store | Vary: Cookie
cookie: set, no session | Cache-Control: no-store | Set-Cookie: sid=TOKEN; Path=/; HttpOnly; SameSite=Lax | Vary: Cookie
cookie: public, set, no session | Cache-Control: max-age=60, private | Set-Cookie: sid=TOKEN; Path=/; HttpOnly; SameSite=Lax | Vary: Cookie
cookie: renew | Cache-Control: no-store | Set-Cookie: sid=TOKEN; Path=/; HttpOnly; SameSite=Lax | Vary: Cookie
cookie: destroy | Cache-Control: no-store | Set-Cookie: sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; SameSite=Lax | Vary: Cookie
cookie: destroy, no session | Cache-Control: no-store | Vary: Cookie
cookie: regenerate | Cache-Control: no-store | Set-Cookie: sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; SameSite=Lax | Vary: Cookie
cookie: error | 503 | Cache-Control: no-store | Vary: Cookie
cookie: error, no session | 503 | Cache-Control: no-store | Vary: Cookie
cookie: public, error | 503 | Cache-Control: no-store | Vary: Cookie
cookie: renew, error | 503 | Cache-Control: no-store | Set-Cookie: sid=TOKEN; Path=/; HttpOnly; SameSite=Lax | Vary: Cookie
cookie: down | 503 | Cache-Control: no-store | Vary: Cookie
lasting: set, no session | Cache-Control: no-store | Set-Cookie: __Host-id=TOKEN; Path=/; Expires=END; Max-Age=LEFT; HttpOnly; Secure; SameSite=Strict | Vary: Cookie
lasting: renew | Cache-Control: no-store | Set-Cookie: __Host-id=TOKEN; Path=/; Expires=END; Max-Age=LEFT; HttpOnly; Secure; SameSite=Strict | Vary: Cookie
lasting: destroy | Cache-Control: no-store | Set-Cookie: __Host-id=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Strict | Vary: Cookie
scriptable: set, no session | Cache-Control: no-store | Set-Cookie: sid=TOKEN; Path=/; Secure; SameSite=Lax | Vary: Cookie
header: nothing |
header: read | Cache-Control: no-store | Vary: X-Auth-Token
header: read, no session | Cache-Control: no-store | Vary: X-Auth-Token
header: public, read | Cache-Control: max-age=60, private | Vary: X-Auth-Token
header: set | Cache-Control: no-store | Vary: X-Auth-Token
header: generate, no session | Cache-Control: no-store | Vary: X-Auth-Token | X-Auth-Token: TOKEN
header: generate | Cache-Control: no-store | Vary: X-Auth-Token | X-Auth-Token: TOKEN
header: destroy | Cache-Control: no-store | Vary: X-Auth-Token
header: error | 503 | Cache-Control: no-store | Vary: X-Auth-Token
header: generate, error, no session | 503 | Cache-Control: no-store | Vary: X-Auth-Token
header: generate, error | 503 | Cache-Control: no-store | Vary: X-Auth-Token | X-Auth-Token: TOKEN
bearer: nothing |
bearer: read | Cache-Control: no-store | Vary: Authorization
bearer: set | Cache-Control: no-store | Vary: Authorization
bearer: generate, no session | Cache-Control: no-store | Vary: Authorization
bearer: generate | Cache-Control: no-store | Vary: Authorization
bearer: destroy | Cache-Control: no-store | Vary: Authorization
bearer: error | 503 | Cache-Control: no-store | Vary: Authorization
`

// lifetime is the absolute lifetime of the table's sessions.
const lifetime = 1000 * time.Hour

// headerRows asks for each row of the table and compares.
func headerRows(ctx context.Context, t *trial.Trial) error {
	rows, wrong := 0, 0
	for line := range strings.Lines(strings.TrimPrefix(headerTable, "\n")) {
		name, want, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " |")
		got, err := headerRow(ctx, t, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if rows++; got != want {
			wrong++
			t.Fail("%s\n  gives %s\n  not   %s", name, got, want)
		}
	}
	t.Figure("header table: %d rows of cookie, header and bearer, over HTTP/1.1 and TLS: %d differ", rows, wrong)
	return nil
}

// headerRow returns what the response in a row says.
func headerRow(ctx context.Context, t *trial.Trial, name string) (string, error) {
	kind, what, _ := strings.Cut(name, ": ")
	var opts session.Options
	transport, tls := kind, false
	switch kind {
	case "lasting":
		transport, tls = "cookie", true
		opts.Transport = session.Cookie(http.Cookie{Name: "__Host-id", Secure: true, SameSite: http.SameSiteStrictMode, MaxAge: 1})
	case "scriptable":
		transport, tls, opts.ScriptableCookie = "cookie", true, true
	}
	opts.Lifetime = lifetime
	var store *breakable
	s, err := newSite(t, transport, opts, func(c *setup) {
		c.tls = tls
		c.around = func(inner session.Store) session.Store {
			store = &breakable{Store: inner}
			return store
		}
	})
	if err != nil {
		return "", err
	}
	defer s.shut()
	v := &visitor{site: s}
	if !strings.Contains(what, "no session") {
		if err := s.enterAs(ctx, v, kind); err != nil {
			return "", err
		}
	}
	if strings.Contains(what, "down") && store != nil {
		store.down.Store(true)
	}
	var failed error
	p, err := v.visit(ctx, func(w http.ResponseWriter, r *http.Request) {
		failed = s.rowHandler(store, strings.Split(what, ", "), w, r)
	})
	return summary(p), errors.Join(err, failed)
}

// enterAs gives a visitor a session, whatever its cookie is called.
func (s *site) enterAs(ctx context.Context, v *visitor, kind string) error {
	in, err := s.enter(ctx, "key", "1")
	if kind != "lasting" {
		v.token = in.token
		return err
	}
	p, err := v.visit(ctx, func(_ http.ResponseWriter, r *http.Request) { session.From(r).Set("key", "1") })
	for _, line := range p.header["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name != "sid" {
			v.token = c.Value + "; " + c.Name + "=" + c.Value
		}
	}
	return err
}

// rowHandler does what a row says.
func (s *site) rowHandler(store *breakable, what []string, w http.ResponseWriter, r *http.Request) (err error) {
	for _, do := range what {
		switch do {
		case "public":
			w.Header().Set("Cache-Control", "public, max-age=60, s-maxage=600")
		case "varies":
			w.Header().Set("Vary", "Accept")
		case "read":
			text(r, "key")
		case "set":
			err = session.From(r).Set("key", "2")
		case "renew":
			err = s.renew(r)
		case "generate":
			_, err = s.generate(r)
		case "destroy":
			_, err = session.From(r).Destroy(r.Context())
		case "regenerate":
			if err = session.From(r).Regenerate(r.Context()); s.store == nil {
				err = nil
			}
		case "error":
			if store != nil {
				store.failing.Store(true)
			}
			err = session.From(r).Set("key", "3")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", do, err)
		}
	}
	return nil
}

var (
	tokenText = regexp.MustCompile(`[A-Za-z0-9_-]{43}`)
	endText   = regexp.MustCompile(`Expires=([^;]*); Max-Age=(\d+);`)
)

// summary writes a response's status and header fields in one line, but for those that every
// response has.
func summary(p reply) string {
	var lines []string
	if p.status != http.StatusOK {
		lines = append(lines, fmt.Sprintf(" %d", p.status))
	}
	for name, values := range p.header {
		if slices.Contains([]string{"Date", "Content-Length", "Content-Type", "X-Content-Type-Options"}, name) {
			continue
		}
		for _, value := range values {
			lines = append(lines, " "+name+": "+endText.ReplaceAllStringFunc(tokenText.ReplaceAllString(value, "TOKEN"), endOf))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, " |")
}

// endOf replaces the end of a lasting cookie, if it is the lifetime's to 2 seconds.
func endOf(text string) string {
	parts := endText.FindStringSubmatch(text)
	end, err := http.ParseTime(parts[1])
	var left float64
	fmt.Sscan(parts[2], &left)
	near := math.Abs(time.Until(end).Seconds()-lifetime.Seconds()) < 2 && math.Abs(left-lifetime.Seconds()) < 2
	if err != nil || !near {
		return text
	}
	return "Expires=END; Max-Age=LEFT;"
}

// breakable is a store whose saves, or reads too, fail when they are told to.
type breakable struct {
	session.Store
	failing, down atomic.Bool
}

var errBroken = errors.New("broken on purpose")

// Unwrap has what else the store can do found.
func (b *breakable) Unwrap() session.Store { return b.Store }

// Get implements session.Store.
func (b *breakable) Get(ctx context.Context, id session.ID, components ...string) (*session.Session, error) {
	if b.down.Load() {
		return nil, errBroken
	}
	return b.Store.Get(ctx, id, components...)
}

// Save implements session.Store.
func (b *breakable) Save(ctx context.Context, s *session.Session) error {
	if b.failing.Load() {
		return errBroken
	}
	return b.Store.Save(ctx, s)
}

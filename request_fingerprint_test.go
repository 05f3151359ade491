package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/boltsession/session"
)

// Rule 2: another client than the one that began the session gets a new one; the stored one
// stays as it is, and a renewal takes the fingerprint along.
func TestRequestRule2Fingerprint(t *testing.T) {
	// Which part changed is told by one byte of a salted hash each, which is the same by chance once
	// in 256 times. Other salts will tell.
	var wrong []string
	for range 5 {
		if wrong = fingerprintLogged(t); len(wrong) == 0 {
			return
		}
	}
	t.Errorf("logged five times: %v", wrong)
}

// fingerprintLogged visits as several clients, and returns what was not logged as it should be.
func fingerprintLogged(t *testing.T) (wrong []string) {
	v := newSite(t, nil, session.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}).visitor()
	as := func(address, agent, forwarded string) (n int) {
		r := v.request()
		r.RemoteAddr = address
		r.Header.Set("User-Agent", agent)
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		v.keep(v.serve(r, func(_ http.ResponseWriter, r *http.Request) {
			n, _ = counter.Get(session.From(r))
			if r.Header.Get("X-Set") != "" {
				must(t, counter.Set(session.From(r), 3))
			}
		}))
		return n
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "10.1.1.1:80"
	r.Header = http.Header{"X-Forwarded-For": {"6.6.6.6, 1.2.3.4, 10.2.2.2"}, "User-Agent": {"Netscape"}}
	v.keep(v.serve(r, func(_ http.ResponseWriter, r *http.Request) { must(t, counter.Set(session.From(r), 3)) }))
	check := func(when string) {
		t.Helper()
		for _, c := range []struct {
			name, address, agent, forwarded string
			want                            int
			logged                          string
		}{
			{"directly", "1.2.3.4:1000", "Netscape", "", 3, ""},
			{"by a proxy", "10.1.1.1:80", "Netscape", "9.9.9.9, 1.2.3.4", 3, ""},
			{"another address", "1.2.3.5:1000", "Netscape", "", 0, "changed=address"},
			{"another address says so", "6.6.6.6:1000", "Netscape", "1.2.3.4", 0, "changed=address"},
			{"another agent", "1.2.3.4:1000", "Mosaic", "", 0, `changed="user agent"`},
			{"both", "4.3.2.1:1000", "Mosaic", "", 0, `changed="address, user agent"`},
			{"still there", "1.2.3.4:1000", "Netscape", "", 3, ""},
		} {
			before := len(v.logs.String())
			if n := as(c.address, c.agent, c.forwarded); n != c.want {
				t.Errorf("%s: %s: counter is %d, want %d", when, c.name, n, c.want)
			}
			if logged := v.logs.String()[before:]; !strings.Contains(logged, c.logged) || c.logged == "" && logged != "" {
				wrong = append(wrong, fmt.Sprintf("%s: %s: logged %q, want %q", when, c.name, logged, c.logged))
			}
		}
	}
	check("at first")
	r = v.request()
	r.RemoteAddr = "1.2.3.4:1"
	r.Header.Set("User-Agent", "Netscape")
	v.keep(v.serve(r, func(_ http.ResponseWriter, r *http.Request) { must(t, session.From(r).Renew(r.Context())) }))
	check("renewed")
	return wrong
}

// A client that changed, and logs out, forgets its token all the same: else it were logged in
// again on the way home.
func TestRequestRule2LogoutAfterMismatch(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	v.set(1)
	r := v.request()
	r.RemoteAddr = "9.9.9.9:1"
	res := v.serve(r, func(_ http.ResponseWriter, r *http.Request) {
		if was, err := session.From(r).Destroy(r.Context()); was || err != nil {
			t.Errorf("Destroy: %v, %v", was, err)
		}
	})
	if c := sidOf(res); c == nil || c.MaxAge >= 0 {
		t.Errorf("cookie %v, want it cleared", c)
	}
	if v.count() != 1 {
		t.Error("a mismatch ended the stored session")
	}
	v.saveBeside(2)
	if v.count() != 2 {
		t.Error("the session that was not served is still in use")
	}
}

// The fingerprint is of the request as it came: what middleware inside makes of it later does
// not lock the client out.
func TestRequestRule2FingerprintBeforeHandlers(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	v.visit(func(_ http.ResponseWriter, r *http.Request) {
		r.Header.Set("User-Agent", "rewritten")
		r.RemoteAddr = "9.9.9.9:1"
		must(t, counter.Set(session.From(r), 5))
	})
	if n := v.count(); n != 5 {
		t.Errorf("counter is %d, want 5", n)
	}
}

// A fingerprint function that panics leaves no session behind in use.
func TestRequestRule2FingerprintPanics(t *testing.T) {
	angry := false
	v := newSite(t, nil, session.Options{Fingerprint: func(*http.Request) string {
		if angry {
			panic("fingerprint")
		}
		return "client"
	}}).visitor()
	v.set(1)
	angry = true
	panics(t, "fingerprint", func() { v.visit(func(http.ResponseWriter, *http.Request) {}) })
	angry = false
	v.saveBeside(2)
	if n := v.count(); n != 2 {
		t.Errorf("counter is %d: its live session is still in use", n)
	}
}

// saveBeside stores the counter directly, which live sessions do not see.
func (v *visitor) saveBeside(n int) {
	v.t.Helper()
	ctx := context.Background()
	s, err := v.store.Get(ctx, session.TokenID(v.token))
	if err != nil {
		v.t.Fatal(err)
	}
	must(v.t, counter.Set(s, n))
	must(v.t, v.store.Save(ctx, s))
}

func panics(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if v := recover(); !strings.Contains(fmt.Sprint(v), want) {
			t.Errorf("panic %v, want %q", v, want)
		}
	}()
	f()
}

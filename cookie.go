package session

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
)

// DefaultCookieName is the name of the cookie that [Cookie] uses unless told otherwise.
const DefaultCookieName = "sid"

// Cookie returns a transport that keeps the token in a cookie made like template. What is left
// out becomes:
//
//	Name      sid
//	Path      /
//	SameSite  Lax
//	HttpOnly  set, always, unless Options.ScriptableCookie says that scripts need the token
//	Secure    set when the request came by TLS, or by a trusted proxy that says so
//	MaxAge    none: the browser forgets the cookie when it ends
//
// A positive MaxAge in the template makes the cookie last until the session's absolute lifetime
// ends, however long that is, so that it outlives the browser but never the session.
//
// New refuses templates that browsers would ignore or that contradict themselves: names that
// begin with __Host- or __Secure- and SameSite=None want Secure, for example, and so does
// Partitioned. Set Secure yourself whenever the app is reached by HTTPS only.
func Cookie(template http.Cookie) Transport {
	if template.Name == "" {
		template.Name = DefaultCookieName
	}
	if template.Path == "" {
		template.Path = "/"
	}
	if template.SameSite == 0 {
		template.SameSite = http.SameSiteLaxMode
	}
	return &cookieTransport{cookie: template}
}

// cookieTransport is immutable; bindTransport makes the copy that a Manager uses.
type cookieTransport struct {
	cookie     http.Cookie // the template, defaults filled in
	trusted    proxies
	scriptable bool
}

func (t *cookieTransport) Token(r *http.Request) (string, bool) { return found(t.read(r)) }

// blanks are what net/http takes away around a cookie and its name.
const blanks = " \t\r\n"

// read splits the Cookie fields itself: http.Request.Cookies leaves out cookies with odd values,
// which would hide a duplicate, and strips quotes, which no token of ours has.
func (t *cookieTransport) read(r *http.Request) (string, tokenFault) {
	var values tokenValues
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			name, value, _ := strings.Cut(strings.Trim(pair, blanks), "=")
			if strings.TrimRight(name, blanks) == t.cookie.Name {
				values.add(value)
			}
		}
	}
	return values.token()
}

func (t *cookieTransport) Send(h http.Header, r *http.Request, token string, expires time.Time) {
	c := t.base(r)
	c.Value = token
	if t.cookie.MaxAge > 0 {
		left := time.Until(expires).Round(time.Second)
		if left <= 0 {
			t.Clear(h, r)
			return
		}
		c.MaxAge, c.Expires = int(min(left/time.Second, math.MaxInt32)), expires
	}
	t.put(h, c)
}

// Clear sends the cookie with an end in the past, in both notations, for old clients know only
// Expires. Name, Domain, Path and Partitioned are as in Send: they identify the cookie.
func (t *cookieTransport) Clear(h http.Header, r *http.Request) {
	c := t.base(r)
	c.MaxAge, c.Expires = -1, time.Unix(1, 0)
	t.put(h, c)
}

func (t *cookieTransport) Vary() string { return "Cookie" }

// base returns the cookie for r without value and end.
func (t *cookieTransport) base(r *http.Request) http.Cookie {
	c := t.cookie
	c.MaxAge = 0
	c.HttpOnly = !t.scriptable
	c.Secure = c.Secure || t.trusted.https(r)
	return c
}

// put adds c to h in the place of any cookie of its name. Two of them would leave it to the
// client which one counts. The list is made anew because others may share its array.
func (t *cookieTransport) put(h http.Header, c http.Cookie) {
	old := h["Set-Cookie"]
	list := make([]string, 0, len(old)+1)
	for _, line := range old {
		if name, _, _ := strings.Cut(line, "="); strings.Trim(name, " \t") != c.Name {
			list = append(list, line)
		}
	}
	h["Set-Cookie"] = append(list, c.String())
}

// validate says what is wrong with the template. http.Cookie leaves out silently, or lets the
// browser refuse, what would show in production as visitors who are never logged in.
func (t *cookieTransport) validate() error {
	c := t.cookie
	bad := func(option, why string) error { return fmt.Errorf("session: Cookie: %s: %s", option, why) }
	switch {
	case c.Value != "":
		return bad("Value", "the token is the value; leave it empty")
	case c.Quoted:
		return bad("Quoted", "a token needs no quotes; leave it false")
	case !c.Expires.IsZero():
		return bad("Expires", "one fixed date for all sessions; set MaxAge to any positive number for a cookie that lasts as long as its session")
	case c.MaxAge < 0:
		return bad("MaxAge", "negative, which would delete the cookie; 0 is a browser-session cookie, more lasts until the session's lifetime ends")
	case c.SameSite < http.SameSiteDefaultMode || c.SameSite > http.SameSiteNoneMode:
		return bad("SameSite", "not one of the modes of net/http")
	case c.SameSite == http.SameSiteNoneMode && !c.Secure:
		return bad("SameSite", "browsers refuse SameSite=None without Secure; set Secure")
	case c.Partitioned && !c.Secure:
		return bad("Partitioned", "browsers refuse it without Secure; set Secure")
	case c.Path[0] != '/':
		return bad("Path", "does not begin with /, so that browsers would ignore it")
	}
	if err := t.validatePrefix(); err != nil {
		return bad("Name", err.Error())
	}
	if err := c.Valid(); err != nil {
		return fmt.Errorf("session: Cookie: %w", err)
	}
	return nil
}

// validatePrefix checks what the name promises (RFC 6265bis, 4.1.3). Browsers compare the
// prefixes without regard to case.
func (t *cookieTransport) validatePrefix() error {
	c := t.cookie
	name := strings.ToLower(c.Name)
	host := strings.HasPrefix(name, "__host-")
	httpOnly := strings.HasPrefix(name, "__http-") || strings.HasPrefix(name, "__host-http-")
	switch {
	case !host && !httpOnly && !strings.HasPrefix(name, "__secure-"):
		return nil
	case !c.Secure:
		return errors.New("browsers refuse a cookie with this prefix without Secure; set Secure")
	case host && c.Domain != "":
		return errors.New("browsers refuse a __Host- cookie with a Domain; leave Domain empty")
	case host && c.Path != "/":
		return errors.New("browsers refuse a __Host- cookie with another Path than /")
	case httpOnly && t.scriptable:
		return errors.New("browsers refuse this prefix without HttpOnly, which Options.ScriptableCookie drops")
	}
	return nil
}

package session

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Transport carries a session's token between client and server. A Manager uses exactly one:
// a token that comes any other way, in the URL above all, is not looked at. [Cookie], [Header]
// and [Bearer] return the transports of this package.
//
// All methods are called concurrently. None of them may keep or log the token.
type Transport interface {
	// Token returns the token that r brings, and false if it brings none, one that is not of a
	// token's form (43 characters of base64url), or several that differ.
	Token(r *http.Request) (string, bool)

	// Send puts token into h, the header of the response to r, in the place of one that an
	// earlier Send put there. The session's absolute lifetime ends at expires.
	Send(h http.Header, r *http.Request, token string, expires time.Time)

	// Clear takes the token out of h and tells the client, if it can, to forget the one it has.
	Clear(h http.Header, r *http.Request)

	// Vary names the request header fields that Token reads, as the Vary field lists them.
	// With Cookie among them the client is taken to send back by itself what it was sent, so
	// that a session may start when its first value is set; with others the app starts one,
	// by Manager.Generate.
	Vary() string
}

// DefaultHeader is the field that [Header] uses unless told otherwise (express-token-session's).
const DefaultHeader = "X-Auth-Token"

// Header returns a transport that reads the token from the request header field name, and
// sends a new one in the response's field of that name, as express-token-session does. The
// empty name means [DefaultHeader].
//
// Clients do not store it by themselves, so cross-site request forgery finds nothing to abuse;
// a script in a page of another origin reads it only if Access-Control-Expose-Headers names the
// field. Clear only takes an unsent token out of the response: the client keeps a dead one.
func Header(name string) Transport {
	if name == "" {
		name = DefaultHeader
	}
	return headerTransport{name: http.CanonicalHeaderKey(name)}
}

type headerTransport struct{ name string }

func (t headerTransport) Token(r *http.Request) (string, bool) { return found(t.read(r)) }

func (t headerTransport) read(r *http.Request) (string, tokenFault) {
	var values tokenValues
	for _, v := range r.Header[t.name] {
		values.add(v)
	}
	return values.token()
}

func (t headerTransport) Send(h http.Header, _ *http.Request, token string, _ time.Time) {
	h[t.name] = []string{token}
}

func (t headerTransport) Clear(h http.Header, _ *http.Request) { delete(h, t.name) }

func (t headerTransport) Vary() string { return t.name }

// validate refuses fields that carry something else: as a response's Set-Cookie or
// Content-Length a token would do harm, and nobody would see why.
func (t headerTransport) validate() error {
	if strings.Trim(t.name, fieldNameChars) != "" {
		return fmt.Errorf("session: Header(%q): not a valid header field name (RFC 9110, 5.1)", t.name)
	}
	switch t.name {
	case "Authorization":
		return errors.New("session: Header: Authorization has a scheme before the token; use Bearer")
	case "Cookie", "Set-Cookie":
		return fmt.Errorf("session: Header: the field %s has a syntax of its own; use Cookie", t.name)
	case "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Host", "Keep-Alive",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Vary":
		return fmt.Errorf("session: Header: HTTP itself uses the field %s; choose another name", t.name)
	}
	return nil
}

// fieldNameChars are the characters of a token in RFC 9110, 5.6.2.
const fieldNameChars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Bearer returns a transport that reads the token from the request's Authorization field, as
// "Bearer" (in any case), one space and the token (RFC 6750, 2.1). Other schemes in the field
// are left to others.
//
// The response has no field for a bearer token: Send and Clear do nothing, and the app hands
// out what Manager.Generate returned, usually in the body.
func Bearer() Transport { return bearerTransport{} }

type bearerTransport struct{}

func (t bearerTransport) Token(r *http.Request) (string, bool) { return found(t.read(r)) }

func (bearerTransport) read(r *http.Request) (string, tokenFault) {
	var values tokenValues
	for _, v := range r.Header["Authorization"] {
		if scheme, token, _ := strings.Cut(v, " "); strings.EqualFold(scheme, "Bearer") {
			values.add(token)
		}
	}
	return values.token()
}

func (bearerTransport) Send(http.Header, *http.Request, string, time.Time) {}

func (bearerTransport) Clear(http.Header, *http.Request) {}

func (bearerTransport) Vary() string { return "Authorization" }

// tokenFault says why a request brought no token, in words fit for a log: the token itself
// is not.
type tokenFault string

const (
	tokenFine      tokenFault = ""
	tokenAbsent    tokenFault = "absent"
	tokenMalformed tokenFault = "malformed"
	tokenAmbiguous tokenFault = "differing duplicates"
)

// tokenOf returns the token that t finds in r, or why there is none. It checks the form of
// what a transport from elsewhere returns, too: nothing else reaches a store.
func tokenOf(t Transport, r *http.Request) (string, tokenFault) {
	if own, ok := t.(interface {
		read(*http.Request) (string, tokenFault)
	}); ok {
		return own.read(r)
	}
	token, ok := t.Token(r)
	switch {
	case !ok:
		return "", tokenAbsent
	case !wellFormed(token):
		return "", tokenMalformed
	}
	return token, tokenFine
}

// tokenValues settles on the one token among the values that a request brings. Equal ones count
// as one. Of differing ones none is taken: which of them a page on a sibling domain has planted
// cannot be told.
type tokenValues struct {
	value         string // the latest
	seen, differs bool
}

func (t *tokenValues) add(value string) {
	t.differs = t.differs || t.seen && value != t.value
	t.value, t.seen = value, true
}

func (t *tokenValues) token() (string, tokenFault) {
	switch {
	case t.differs:
		return "", tokenAmbiguous
	case t.value == "":
		return "", tokenAbsent
	case !wellFormed(t.value):
		return "", tokenMalformed
	}
	return t.value, tokenFine
}

func found(token string, fault tokenFault) (string, bool) { return token, fault == tokenFine }

// bindTransport returns t checked and told of the options that concern it, for New. A nil t
// is the default cookie. A transport from elsewhere is returned as it is.
func bindTransport(t Transport, trusted proxies, scriptable bool) (Transport, error) {
	if t == nil {
		t = Cookie(http.Cookie{})
	}
	if c, ok := t.(*cookieTransport); ok {
		t = &cookieTransport{cookie: c.cookie, trusted: trusted, scriptable: scriptable}
	} else if scriptable {
		return nil, errors.New("session: Options.ScriptableCookie: Options.Transport is not a cookie, scripts see its token anyway; leave it out")
	}
	if v, ok := t.(interface{ validate() error }); ok {
		if err := v.validate(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// returnsByItself says whether clients send back by themselves what t sent them.
func returnsByItself(t Transport) bool { return listsField(t.Vary(), "Cookie") }

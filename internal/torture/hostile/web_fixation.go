//go:build linux

package hostile

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// fixation brings tokens that the server did not make: none may be stored, echoed or taken over.
func fixation(ctx context.Context, t *trial.Trial) error {
	tried, planted := 0, 0
	for _, transport := range transportNames {
		s, err := newSite(t, transport, session.Options{})
		if err != nil {
			return err
		}
		err = func() error {
			defer s.shut()
			n, err := strange(ctx, t, s)
			if err != nil {
				return err
			}
			tried += n
			n, err = planting(ctx, t, s)
			planted += n
			return err
		}()
		if err != nil {
			return err
		}
	}
	t.Figure("fixation (Fiber CVE-2024-38513): %d tokens that the server did not make, malformed, path-like and 4 KiB ones among them, by cookie, header, bearer and in the wrong place: looked for, 0 commits, 0 echoed; %d planted before something is set: 0 adopted%s", tried, planted, t.Unless())
	return nil
}

// strange has a site read with tokens that open nothing.
func strange(ctx context.Context, t *trial.Trial, s *site) (tried int, err error) {
	v, err := s.enter(ctx, "key", "mine")
	if err != nil {
		return 0, err
	}
	before, err := s.image()
	if err != nil {
		return 0, err
	}
	records := s.records()
	for range t.Size(1000, 150) {
		token := randomToken()
		if err := s.bringOne(ctx, t, "a random token", token, http.Header{}); err != nil {
			return tried, err
		}
		tried++
	}
	for what, value := range oddTokens() {
		if err := s.bringRaw(ctx, t, what, value); err != nil {
			return tried, err
		}
		tried++
	}
	n, err := s.elsewhere(ctx, t, v.token)
	tried += n
	if err != nil {
		return tried, err
	}
	after, err := s.image()
	if err != nil {
		return tried, err
	}
	if after != before || s.records() != records {
		t.Fail("%s: strange tokens changed the file: %d sessions before, %d after", s.transport, records, s.records())
	}
	return tried, nil
}

// bringOne reads with one token.
func (s *site) bringOne(ctx context.Context, t *trial.Trial, what, token string, more http.Header) error {
	r, err := s.request(ctx, func(_ http.ResponseWriter, r *http.Request) { text(r, "key") })
	if err != nil {
		return err
	}
	for name, lines := range more {
		r.Header[name] = lines
	}
	bring(r.Header, s.transport, token)
	p, err := s.send(r)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.untaken(t, what, token, p)
	return nil
}

// untaken looks for a token in a response that should know nothing of it.
func (s *site) untaken(t *trial.Trial, what, token string, p reply) {
	if p.says(token) {
		t.Fail("%s: %s is echoed, in %v", s.transport, what, p.header)
	}
	if got, _ := p.token(); got != "" {
		t.Fail("%s: %s: reading made a session", s.transport, what)
	}
}

// oddTokens returns values that are no tokens, by what they are.
func oddTokens() map[string]string {
	good := randomToken()
	odd := map[string]string{
		"too short": good[:42], "too long": good + "A", "stray bits": good[:42] + "B", "padded": good + "=",
		"quoted": `"` + good + `"`, "a path": "../../../../etc/passwd", "a path of the right length": strings.Repeat("../", 14) + "x",
		"an absolute path": "/etc/passwd", "an encoded path": "..%2f..%2fetc%2fpasswd", "a Windows path": `..\..\windows`,
		"standard base64": good[:41] + "+/", "spaces": "  " + good[:41], "a tab": good[:20] + "\t" + good[21:],
		"control bytes": good[:20] + "\x01\x7f" + good[22:], "not UTF-8": good[:40] + "\xff\xfe\xfd", "a NUL": good[:42] + "\x00",
		"4 KiB": strings.Repeat("A", 4<<10), "4 KiB of path": strings.Repeat("../", 1365), "hex of an ID": session.TokenID(good).String(),
		"JSON": `{"$ne":null}`, "SQL": `' OR '1'='1`, "a format": "%s%s%s%n", "a template": "${jndi:ldap://x/y}",
	}
	for i := range 43 {
		odd[fmt.Sprintf("a dot at %d", i)] = good[:i] + "." + good[i+1:]
	}
	return odd
}

// bringRaw reads with a value that net/http's client would not send.
func (s *site) bringRaw(ctx context.Context, t *trial.Trial, what, value string) error {
	h := http.Header{}
	bring(h, s.transport, value)
	r, err := s.request(ctx, func(_ http.ResponseWriter, r *http.Request) { text(r, "key") })
	if err != nil {
		return err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.server.Listener.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Do: %s\r\n", r.Header.Get("X-Do"))
	for name := range h {
		fmt.Fprintf(conn, "%s: %s\r\n", name, h[name][0])
	}
	io.WriteString(conn, "\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	s.untaken(t, what, value, reply{res.StatusCode, res.Header, string(body)})
	return err
}

// elsewhere brings a token that is good, but in places where no token is looked for.
func (s *site) elsewhere(ctx context.Context, t *trial.Trial, token string) (tried int, err error) {
	wrong := func(what string, change func(*http.Request)) {
		if err != nil {
			return
		}
		var r *http.Request
		var got string
		if r, err = s.request(ctx, func(_ http.ResponseWriter, r *http.Request) { got = text(r, "key") }); err != nil {
			return
		}
		change(r)
		var p reply
		p, err = s.send(r)
		tried++
		if got != "" || p.says(token) {
			t.Fail("%s: a token %s opened %q", s.transport, what, got)
		}
	}
	for _, other := range transportNames {
		if other != s.transport {
			wrong("as "+other, func(r *http.Request) { bring(r.Header, other, token) })
		}
	}
	wrong("in the query", func(r *http.Request) { r.URL.RawQuery = url.Values{"sid": {token}}.Encode() })
	wrong("in the path", func(r *http.Request) { r.URL.Path = "/;sid=" + token })
	wrong("in a form", func(r *http.Request) {
		body := url.Values{"sid": {token}}.Encode()
		r.Method, r.Body, r.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
	wrong("in another case of the name", func(r *http.Request) { r.Header.Add("Cookie", "SID="+token) })
	return tried, err
}

// planting brings a token before something is set: the session that begins has another.
func planting(ctx context.Context, t *trial.Trial, s *site) (tried int, err error) {
	for range t.Size(200, 30) {
		planted := randomToken()
		v := &visitor{site: s, token: planted}
		var id session.ID
		var made string
		var failed error
		p, err := v.visit(ctx, func(_ http.ResponseWriter, r *http.Request) {
			if s.transport != "cookie" {
				made, failed = s.generate(r)
			}
			if failed == nil {
				failed = session.From(r).Set("key", "victim's")
			}
			id = session.From(r).ID()
		})
		if err != nil || failed != nil {
			return tried, fmt.Errorf("set: %v, %v", err, failed)
		}
		if token, _ := p.token(); s.transport != "bearer" {
			made = token
		}
		if made == planted || made == "" || id == session.TokenID(planted) || p.says(planted) {
			t.Fail("%s: a planted token became a session's", s.transport)
		}
		thief := &visitor{site: s, token: planted}
		var got string
		if _, err := thief.visit(ctx, func(_ http.ResponseWriter, r *http.Request) { got = text(r, "key") }); err != nil {
			return tried, err
		}
		if got != "" {
			t.Fail("%s: who planted a token reads %q with it", s.transport, got)
		}
		tried++
	}
	return tried, nil
}

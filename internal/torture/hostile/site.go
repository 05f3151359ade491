//go:build linux

package hostile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// site is an app that is attacked over real connections. What its handler does is given with each
// request.
type site struct {
	*opened
	transport string
	server    *httptest.Server
	client    *http.Client
	logs      *logBook

	under    sync.WaitGroup // requests under way, to the end of their handlers
	last     atomic.Int64
	handlers sync.Map // what requests are to do, by the value of their field X-Do
}

// newSite starts a site with a file of its own. Whoever calls it closes it.
func newSite(t *trial.Trial, transport string, opts session.Options, change ...func(*setup)) (*site, error) {
	dir, err := os.MkdirTemp(t.Dir, "site-")
	if err != nil {
		return nil, err
	}
	s := &site{transport: transport, logs: new(logBook)}
	log := slog.New(slog.NewTextHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	opts.Logger = log
	c := setup{dir: dir, transport: transport, broken: t.Broken, options: opts}
	c.bolt = session.BoltOptions{Reap: session.Never, NoSocket: true, Logger: log}
	for _, f := range change {
		f(&c)
	}
	if s.opened, err = c.open(); err != nil {
		return nil, err
	}
	inside := s.wrap(http.HandlerFunc(s.serve))
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.under.Add(1)
		defer s.under.Done()
		inside.ServeHTTP(w, r)
	}))
	s.server.Config.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	if s.server.EnableHTTP2 = c.tls; c.tls {
		s.server.StartTLS()
	} else {
		s.server.Start()
	}
	s.client = plainClient(s.server.Client())
	return s, nil
}

// plainClient returns a client that does nothing by itself.
func plainClient(c *http.Client) *http.Client {
	tr := c.Transport.(*http.Transport)
	tr.DisableCompression = true
	tr.MaxIdleConnsPerHost = 64
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

func (s *site) shut() {
	s.server.CloseClientConnections()
	s.server.Close()
	s.close()
}

// serve does what the request was sent for, once.
func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	do, ok := s.handlers.LoadAndDelete(r.Header.Get("X-Do"))
	if !ok {
		http.Error(w, "nothing to do", http.StatusGone)
		return
	}
	do.(http.HandlerFunc)(w, r)
}

// request returns one that will do what h does.
func (s *site) request(ctx context.Context, h http.HandlerFunc) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL, nil)
	if err != nil {
		return nil, err
	}
	key := strconv.FormatInt(s.last.Add(1), 10)
	s.handlers.Store(key, h)
	r.Header.Set("X-Do", key)
	return r, nil
}

// reply is a response, whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a request and reads what comes.
func (s *site) send(r *http.Request) (reply, error) {
	res, err := s.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(body)}, err
}

// token returns the token that a response sets, and says whether it clears one.
func (p reply) token() (token string, cleared bool) {
	for _, line := range p.header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err == nil && c.Name == "sid" {
			return c.Value, c.MaxAge < 0
		}
	}
	return p.header.Get("X-Auth-Token"), false
}

// says looks for something in all of a response.
func (p reply) says(what string) bool {
	if strings.Contains(p.body, what) {
		return true
	}
	for name, lines := range p.header {
		if strings.Contains(name+strings.Join(lines, "\n"), what) {
			return true
		}
	}
	return false
}

// visitor is somebody with a token, or without.
type visitor struct {
	*site
	token string
}

// present puts the visitor's token into a request.
func (v *visitor) present(r *http.Request) {
	if v.token != "" {
		bring(r.Header, v.transport, v.token)
	}
}

// bring adds a token to a request's header.
func bring(h http.Header, transport, token string) {
	switch transport {
	case "cookie":
		h.Add("Cookie", "sid="+token)
	case "header":
		h.Add("X-Auth-Token", token)
	case "bearer":
		h.Add("Authorization", "Bearer "+token)
	}
}

// visit sends a request, and keeps the token that comes back as a browser does.
func (v *visitor) visit(ctx context.Context, h http.HandlerFunc) (reply, error) {
	r, err := v.request(ctx, h)
	if err != nil {
		return reply{}, err
	}
	v.present(r)
	p, err := v.send(r)
	if token, cleared := p.token(); cleared {
		v.token = ""
	} else if token != "" {
		v.token = token
	}
	return p, err
}

// enter has a visitor get a session with a value in it.
func (s *site) enter(ctx context.Context, key, value string) (*visitor, error) {
	v := &visitor{site: s}
	var token string
	var failed error
	p, err := v.visit(ctx, func(_ http.ResponseWriter, r *http.Request) {
		if s.transport != "cookie" {
			token, failed = s.generate(r)
		}
		if failed == nil {
			failed = session.From(r).Set(key, value)
		}
	})
	if token != "" {
		v.token = token
	}
	if err == nil {
		err = failed
	}
	if err == nil && v.token == "" {
		err = fmt.Errorf("no token came with status %d", p.status)
	}
	return v, err
}

// text returns a string of the session's, "" for none.
func text(r *http.Request, key string) string {
	var value string
	session.From(r).Get(key, &value)
	return value
}

// logBook keeps what is logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// count returns how often something was logged.
func (l *logBook) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.text.Bytes(), []byte(what))
}

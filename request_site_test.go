package session_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/boltsession/session"
)

const counter session.Key[int] = "counter"

// watched is a store before another one, as an app might write it: it counts what reaches the
// one behind, and does what a test wants before.
type watched struct {
	session.Store
	reads, writes atomic.Int64
	mu            sync.Mutex
	before        func(ctx context.Context, verb string) error
}

func watch(store session.Store) *watched { return &watched{Store: store} }

func (w *watched) Unwrap() session.Store { return w.Store }

// on has f called before each verb, with no lock held: create, get, save, renew, destroy, touch.
func (w *watched) on(f func(ctx context.Context, verb string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = f
}

// fail has the verb fail with err, for ever when times is negative.
func (w *watched) fail(verb string, times int, err error) {
	var n atomic.Int64
	w.on(func(_ context.Context, v string) error {
		if v == verb && (times < 0 || n.Add(1) <= int64(times)) {
			return err
		}
		return nil
	})
}

func (w *watched) do(ctx context.Context, verb string, count *atomic.Int64) error {
	count.Add(1)
	w.mu.Lock()
	f := w.before
	w.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(ctx, verb)
}

func (w *watched) Create(ctx context.Context, id session.ID) (*session.Session, error) {
	if err := w.do(ctx, "create", &w.reads); err != nil {
		return nil, err
	}
	return w.Store.Create(ctx, id)
}

func (w *watched) Get(ctx context.Context, id session.ID, components ...string) (*session.Session, error) {
	if err := w.do(ctx, "get", &w.reads); err != nil {
		return nil, err
	}
	return w.Store.Get(ctx, id, components...)
}

func (w *watched) Save(ctx context.Context, s *session.Session) error {
	if err := w.do(ctx, "save", &w.writes); err != nil {
		return err
	}
	return w.Store.Save(ctx, s)
}

func (w *watched) Renew(ctx context.Context, s *session.Session, to session.ID) error {
	if err := w.do(ctx, "renew", &w.writes); err != nil {
		return err
	}
	r, ok := session.As[session.Renewer](w.Store)
	if !ok {
		return errors.ErrUnsupported
	}
	return r.Renew(ctx, s, to)
}

func (w *watched) Destroy(ctx context.Context, id session.ID) error {
	if err := w.do(ctx, "destroy", &w.writes); err != nil {
		return err
	}
	return w.Store.Destroy(ctx, id)
}

// site is an app under test.
type site struct {
	t     testing.TB
	store session.Store
	m     *session.Manager
	logs  *logBook
}

// newSite returns an app over store, a new MemoryStore when it is nil.
func newSite(t testing.TB, store session.Store, opts session.Options) *site {
	t.Helper()
	if store == nil {
		store = session.NewMemoryStore(nil)
	}
	s := &site{t: t, store: store, logs: new(logBook)}
	opts.Logger = slog.New(slog.NewTextHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m, err := session.New(store, &opts)
	if err != nil {
		t.Fatal(err)
	}
	s.m = m
	return s
}

// stored returns how many sessions the store has.
func (s *site) stored() int {
	s.t.Helper()
	l, ok := session.As[session.Lister](s.store)
	if !ok {
		s.t.Fatal("the store does not list")
	}
	n, err := l.Length(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// serve answers a request by h.
func (s *site) serve(r *http.Request, h http.HandlerFunc) *http.Response {
	rec := httptest.NewRecorder()
	s.m.Handler(h).ServeHTTP(rec, r)
	return rec.Result()
}

// visitor is a browser: it keeps the cookie sid.
type visitor struct {
	*site
	mu    sync.Mutex
	token string
}

func (s *site) visitor() *visitor { return &visitor{site: s} }

// request returns one with the cookie that the visitor has.
func (v *visitor) request() *http.Request {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := httptest.NewRequest("GET", "/", nil)
	if v.token != "" {
		r.AddCookie(&http.Cookie{Name: "sid", Value: v.token})
	}
	return r
}

// visit has h answer a request, and keeps the cookie of the response.
func (v *visitor) visit(h http.HandlerFunc) *http.Response {
	res := v.serve(v.request(), h)
	v.keep(res)
	return res
}

func (v *visitor) keep(res *http.Response) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if c := sidOf(res); c != nil {
		v.token = c.Value
		if c.MaxAge < 0 {
			v.token = ""
		}
	}
}

// set stores the counter, so that the visitor has a session.
func (v *visitor) set(n int) {
	v.t.Helper()
	v.visit(func(_ http.ResponseWriter, r *http.Request) { must(v.t, counter.Set(session.From(r), n)) })
	if v.token == "" {
		v.t.Fatal("no cookie came")
	}
}

// count returns the counter as a new request sees it.
func (v *visitor) count() (n int) {
	v.t.Helper()
	v.visit(func(_ http.ResponseWriter, r *http.Request) { n, _ = counter.Get(session.From(r)) })
	return n
}

// sidOf returns the cookie sid of a response, nil if it sets none.
func sidOf(res *http.Response) *http.Cookie {
	for _, c := range res.Cookies() {
		if c.Name == "sid" {
			return c
		}
	}
	return nil
}

// logBook keeps what is logged.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// Manager gives requests their sessions. It is safe for concurrent use.
type Manager struct {
	proxy       *ProxyStore
	transport   Transport
	byItself    bool // clients send back by themselves what the transport sent
	proxies     proxies
	fingerprint func(*http.Request) string
	maxAge      time.Duration
	lifetime    time.Duration
	log         *slog.Logger
	onError     func(http.ResponseWriter, *http.Request, error)
}

// New returns a Manager over store: a ProxyStore as it is, else the store's own one, so that
// several Managers over a BoltStore or MemoryStore share their live sessions; give the Managers
// of any other store one ProxyStore yourself. A nil store is a new MemoryStore, which is for
// development, and logged as such. The error says which option is wrong and why. The caller
// closes the store, after the server has shut down.
func New(store Store, opts *Options) (*Manager, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	p := proxyOf(store)
	if err := o.complete(p); err != nil {
		return nil, err
	}
	trusted, err := newProxies(o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	transport, err := bindTransport(o.Transport, trusted, o.ScriptableCookie)
	if err != nil {
		return nil, err
	}
	m := &Manager{
		proxy: p, transport: transport, byItself: returnsByItself(transport), proxies: trusted,
		fingerprint: o.Fingerprint, maxAge: o.MaxAge, lifetime: o.Lifetime, log: o.Logger, onError: o.ErrorHandler,
	}
	if store == nil && !testing.Testing() {
		m.log.Warn("session: sessions are kept in memory and end with the process; give New a store from Open in production")
	}
	return m, nil
}

// proxyOf returns the one ProxyStore of store.
func proxyOf(store Store) *ProxyStore {
	if store == nil {
		return NewProxyStore(nil, nil)
	}
	if p, ok := store.(*ProxyStore); ok {
		return p
	}
	if own, ok := ownStore(store); ok {
		return own.proxy()
	}
	return NewProxyStore(func() (Store, error) { return store, nil }, nil)
}

// Options are the options of New. nil, and the zero value of each, mean what is said there.
type Options struct {
	// MaxAge is the idle timeout of new sessions: they expire this long after the last request.
	// 0 means 4 hours, or Lifetime if that is less.
	MaxAge time.Duration

	// Lifetime is the absolute lifetime of new sessions, however busy. 0 means 30 days.
	Lifetime time.Duration

	// Transport carries the token: Cookie, Header, Bearer or your own. nil means the cookie of
	// the ProxyStore's options, which is named sid unless they say otherwise.
	Transport Transport

	// Fingerprint says what identifies a request's client: a session is served only while that
	// stays as it was when the session began. nil means FingerprintClient, address and
	// User-Agent, as Connect does; phones change their address: FingerprintUserAgent allows it.
	Fingerprint func(*http.Request) string

	// TrustedProxies are the networks of the reverse proxies before this server, whose word on
	// the client's address and scheme is taken. nil means none.
	TrustedProxies []netip.Prefix

	// ScriptableCookie lets scripts in the page read the cookie, by dropping HttpOnly, and with
	// them whoever gets a script into the page.
	ScriptableCookie bool

	// Logger gets warnings and errors, and at debug level what happens to requests that is
	// not worth one; never a token, key or value. nil means slog.Default.
	Logger *slog.Logger

	// ErrorHandler answers a request whose session could not be loaded or saved; the request
	// has no session then, so that From panics. nil, and one that writes nothing, mean status 503
	// with a short text. The error is logged before.
	ErrorHandler func(http.ResponseWriter, *http.Request, error)
}

// complete fills in the defaults and says what contradicts what.
func (o *Options) complete(p *ProxyStore) error {
	switch {
	case o.MaxAge < 0:
		return errors.New("session: Options.MaxAge is negative; 0 means 4 hours")
	case o.Lifetime < 0:
		return errors.New("session: Options.Lifetime is negative; 0 means 30 days")
	case o.MaxAge != 0 && o.MaxAge < time.Second:
		return errors.New("session: Options.MaxAge is less than a second")
	case o.Lifetime != 0 && o.Lifetime < time.Second:
		return errors.New("session: Options.Lifetime is less than a second")
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	if o.MaxAge == 0 {
		o.MaxAge = min(DefaultMaxAge, o.Lifetime)
	}
	if o.MaxAge > o.Lifetime {
		return fmt.Errorf("session: Options.MaxAge is %v, longer than Options.Lifetime with %v, which would always end the session first; lower MaxAge or raise Lifetime", o.MaxAge, o.Lifetime)
	}
	if o.Transport == nil {
		o.Transport = Cookie(p.cookie)
	}
	if o.Fingerprint == nil {
		o.Fingerprint = FingerprintClient
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.ErrorHandler == nil {
		o.ErrorHandler = answerUnavailable
	}
	return nil
}

// Handler returns next with sessions: in it, From gives the request's session. What next
// changed is saved before the first byte of its response, and the cookie is set then; if that
// fails, the ErrorHandler answers instead. The ResponseWriter that next gets offers all that
// the original does.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := m.exchangeOf(r.Context())
		switch {
		case x == nil || x.released():
			m.serve(w, r, next)
		case x == innermost(r.Context()): // inside another Handler of this Manager
			next.ServeHTTP(w, r)
		default: // and of another Manager in between
			next.ServeHTTP(w, x.in(r))
		}
	})
}

func (m *Manager) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	x, err := m.begin(w, r)
	if err != nil {
		m.refuse(w, r, err)
		return
	}
	in := x.in(r)
	defer x.close() // after a panic too, which saves nothing further
	defer handBack(r, in)
	next.ServeHTTP(wrapResponse(x.w), in)
	x.finish()
}

// handBack gives the server's request what handlers noted in ours: the server removes the
// temporary files of a parsed form, and middleware outside of us reads the pattern.
func handBack(r, in *http.Request) {
	if r.Pattern != in.Pattern {
		r.Pattern = in.Pattern
	}
	if in.MultipartForm != nil {
		r.MultipartForm = in.MultipartForm
	}
}

// Store returns the Manager's store, through which background jobs reach live sessions.
func (m *Manager) Store() *ProxyStore { return m.proxy }

type contextKey struct{}

// From returns the session of a request that came through Manager.Handler: the one that its
// token opens, else a new one that is stored once something is set. Call it before the
// response begins: that keeps the response out of shared caches. Outside of Handler it panics:
// the handler is not wrapped. It never returns nil.
func From(r *http.Request) *Session {
	s, ok := FromContext(r.Context())
	if !ok {
		panic("session: From: no session in the request's context; wrap the handler in Manager.Handler")
	}
	return s
}

// FromContext returns the session in a request's context, and false if there is none.
func FromContext(ctx context.Context) (*Session, bool) {
	switch v := ctx.Value(contextKey{}).(type) {
	case *exchange:
		v.use()
		return v.session(), true
	case *Session:
		if x, ok := v.bound.(*exchange); ok {
			x.use()
		}
		return v, true
	}
	return nil, false
}

// NewContext returns ctx with a session in it, for From and FromContext.
func NewContext(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, contextKey{}, s)
}

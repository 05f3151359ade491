package session

import (
	"context"
	"errors"
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
// several Managers over a BoltStore or MemoryStore share their live sessions. A nil store is a
// new MemoryStore, which is for development, and logged as such. The error says which
// option is wrong and why. The caller closes the store, after the server has shut down.
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
	// 0 means 4 hours.
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

	// Logger gets warnings, and at debug level what happens to sessions; never a token, key or
	// value. nil means slog.Default.
	Logger *slog.Logger

	// ErrorHandler answers a request whose session could not be loaded or saved. nil means
	// status 503 with a short text. The error is logged before.
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
	case o.Lifetime != 0 && o.MaxAge > o.Lifetime:
		return errors.New("session: Options.MaxAge is longer than Options.Lifetime, which would always end the session first; set both or lower MaxAge")
	}
	if o.Lifetime == 0 {
		o.Lifetime = max(DefaultLifetime, o.MaxAge)
	}
	if o.MaxAge == 0 {
		o.MaxAge = min(DefaultMaxAge, o.Lifetime)
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

// answerUnavailable is the default ErrorHandler.
func answerUnavailable(w http.ResponseWriter, _ *http.Request, _ error) {
	http.Error(w, "The session is not available at the moment. Please try again.", http.StatusServiceUnavailable)
}

// Handler returns next with sessions: in it, From gives the request's session. What next
// changed is saved before the first byte of its response, and the cookie is set then; if that
// fails, the ErrorHandler answers instead. The ResponseWriter that next gets offers all that
// the original does.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x, ok := exchangeOf(r.Context()); ok && x.m == m {
			next.ServeHTTP(w, r) // inside another Handler of this Manager
			return
		}
		m.serve(w, r, next)
	})
}

func (m *Manager) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	x, err := m.begin(w, r)
	if err != nil {
		m.log.Error("session: loading the session", "error", err)
		protectCaching(w.Header(), m.transport.Vary())
		m.onError(w, r, err)
		return
	}
	defer x.close() // after a panic too, which saves nothing further
	next.ServeHTTP(wrapResponse(x.w), r.WithContext(NewContext(r.Context(), x.s)))
	x.finish()
}

// Store returns the Manager's store, through which background jobs reach live sessions.
func (m *Manager) Store() *ProxyStore { return m.proxy }

// Generate starts the request's session, or renews it, and returns its token for the app to
// hand out; it is stored even when nothing is set. On token transports it is the way to start
// a session (express-token-session's generate), and to renew it at login. It returns
// ErrHeadersSent once the response has begun.
func (m *Manager) Generate(r *http.Request) (token string, err error) {
	x, ok := exchangeOf(r.Context())
	if !ok || x.m != m {
		return "", errors.New("session: Generate: the request did not come through this Manager's Handler")
	}
	return x.generate(r.Context())
}

type contextKey struct{}

// From returns the session of a request that came through Manager.Handler: the one that its
// token opens, else a new one that is stored once something is set. Outside of Handler it
// panics: the handler is not wrapped. It never returns nil.
func From(r *http.Request) *Session {
	s, ok := FromContext(r.Context())
	if !ok {
		panic("session: From: no session in the request's context; wrap the handler in Manager.Handler")
	}
	return s
}

// FromContext returns the session in a request's context, and false if there is none.
func FromContext(ctx context.Context) (*Session, bool) {
	s, ok := ctx.Value(contextKey{}).(*Session)
	if !ok {
		return nil, false
	}
	if x, ok := s.bound.(*exchange); ok {
		x.use()
	}
	return s, true
}

// NewContext returns ctx with a session in it, for From and FromContext.
func NewContext(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, contextKey{}, s)
}

// exchangeOf returns the exchange of a request.
func exchangeOf(ctx context.Context) (*exchange, bool) {
	s, ok := ctx.Value(contextKey{}).(*Session)
	if !ok {
		return nil, false
	}
	x, ok := s.bound.(*exchange)
	return x, ok
}

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/boltsession/session"
)

// flash is a message for the next page that is shown, and for no other.
const flash session.Key[string] = "flash"

// shop is the handlers of the program.
type shop struct {
	sessions *session.Manager
	users    session.UserIndex // the store's: which sessions a user has
	pages    *pages
	hub      *hub
}

func newShop(store session.Store) (*shop, error) {
	sessions, err := session.New(store, &session.Options{
		// Phones change their address as they go. The User-Agent stays.
		Fingerprint: session.FingerprintUserAgent,
	})
	if err != nil {
		return nil, err
	}
	users, ok := session.As[session.UserIndex](sessions.Store())
	if !ok {
		return nil, errors.New("the store finds no sessions by their user")
	}
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	return &shop{sessions: sessions, users: users, pages: pages, hub: newHub()}, nil
}

// maxForm bounds the body of a request: no form of ours has more than two short fields.
const maxForm = 4 << 10

// handler returns the shop behind all that protects it.
func (sh *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", sh.handle(sh.showShop))
	mux.Handle("POST /cart/add", sh.handle(sh.addToCart))
	mux.Handle("POST /cart/remove", sh.handle(sh.removeFromCart))
	mux.Handle("GET /login", sh.handle(sh.showLogin))
	mux.Handle("POST /login", sh.handle(sh.login))
	mux.Handle("POST /logout", sh.handle(sh.logout))
	mux.Handle("GET /account", sh.handle(sh.showAccount))
	mux.Handle("POST /account/end", sh.handle(sh.endDevice))
	mux.Handle("POST /account/end-others", sh.handle(sh.endOthers))
	mux.HandleFunc("GET /events", sh.events)

	outer := http.NewServeMux()
	outer.Handle("GET /static/", static()) // has no use for sessions
	outer.Handle("/", sh.sessions.Handler(mux))

	// Other sites can make a browser send our cookie along with a form. They cannot make it say
	// that the form came from us.
	csrf := http.NewCrossOriginProtection()
	return protect(csrf.Handler(http.MaxBytesHandler(outer, maxForm)))
}

// protect sets the header fields that every response has.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// handle makes a handler of a function that returns what went wrong.
func (sh *shop) handle(f func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := f(w, r)
		var bad badRequest
		switch {
		case err == nil:
		case errors.As(err, &bad):
			sh.pages.problem(w, r, http.StatusBadRequest, bad.Error())
		case errors.Is(err, session.ErrNotFound):
			// Logged out elsewhere while this request was on its way.
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		default:
			slog.Error("request failed", "path", r.URL.Path, "error", err)
			sh.pages.problem(w, r, http.StatusServiceUnavailable, "This did not work. Please try again.")
		}
	})
}

// badRequest is what is wrong with a request that our pages do not send.
type badRequest string

func (b badRequest) Error() string { return string(b) }

// showShop shows what there is to buy, and the cart.
func (sh *shop) showShop(w http.ResponseWriter, r *http.Request) error {
	cart, err := cartOf(r)
	if err != nil {
		return err
	}
	return sh.pages.show(w, http.StatusOK, "shop", shopPage{
		common: commonOf(r, cart), Products: catalogue, Lines: cart.lines(), Total: cart.total(),
	})
}

// back sends the browser to a page, with a message for it.
func back(w http.ResponseWriter, r *http.Request, path, message string) error {
	if message != "" {
		if err := flash.Set(session.From(r), message); err != nil {
			return fmt.Errorf("set message: %w", err)
		}
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

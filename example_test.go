package session_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"time"

	"github.com/boltsession/session"
)

// Views is how often a visitor was here.
const Views session.Key[int] = "views"

func Example() {
	sessions, err := session.New(session.NewMemoryStore(nil), nil) // session.Open in production
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		n, err := Views.Update(session.From(r), func(n int) int { return n + 1 })
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "views: %d\n", n)
	})
	browse(sessions.Handler(mux), "/", "/", "/")
	// Output:
	// views: 1
	// views: 2
	// views: 3
}

// browse visits the paths, as a browser that keeps its cookies, and prints the answers.
func browse(h http.Handler, paths ...string) {
	server := httptest.NewServer(h)
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	for _, path := range paths {
		res, err := browser.Get(server.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(string(answer))
	}
}

// newManager returns a Manager for the examples below.
func newManager(opts *session.Options) *session.Manager {
	sessions, err := session.New(session.NewMemoryStore(nil), opts)
	if err != nil {
		log.Fatal(err)
	}
	return sessions
}

// A value, and what becomes of it, in one step: parallel requests of a visitor lose nothing.
func ExampleKey_Update() {
	type Cart map[string]int
	const cart session.Key[Cart] = "cart"

	sessions := newManager(nil)
	browse(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now, err := cart.Update(session.From(r), func(c Cart) Cart {
			if c == nil {
				c = make(Cart)
			}
			c[r.FormValue("add")]++
			return c
		})
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, now)
	})), "/?add=tea", "/?add=milk", "/?add=tea")
	// Output:
	// map[tea:1]
	// map[milk:1 tea:1]
	// map[milk:1 tea:2]
}

// At login, and whenever a user's rights change, the session gets a new token: one that somebody
// planted before is worth nothing after.
func ExampleSession_Renew() {
	sessions := newManager(nil)
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		before := s.ID()
		if err := s.SetUser("ann"); err != nil { // once the password was checked
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		if err := s.Renew(r.Context()); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "new token:", s.ID() != before)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n, _ := Views.Update(session.From(r), func(n int) int { return n + 1 })
		fmt.Fprintf(w, "user %q, views %d\n", session.From(r).User(), n)
	})
	browse(sessions.Handler(mux), "/", "/login", "/")
	// Output:
	// user "", views 1
	// new token: true
	// user "ann", views 2
}

// A logout is final: when Destroy has answered, no request, slow or parallel, brings it back.
func ExampleSession_Destroy() {
	sessions := newManager(nil)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n, _ := Views.Update(session.From(r), func(n int) int { return n + 1 })
		fmt.Fprintln(w, "views:", n)
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		was, err := session.From(r).Destroy(r.Context())
		if err != nil {
			http.Error(w, "the logout may not have worked, please try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "logged out:", was)
	})
	browse(sessions.Handler(mux), "/", "/", "/logout", "/logout", "/")
	// Output:
	// views: 1
	// views: 2
	// logged out: true
	// logged out: false
	// views: 1
}

// Helpers that get a context, and no request, find the session there.
func ExampleFromContext() {
	greeting := func(ctx context.Context) string {
		s, ok := session.FromContext(ctx)
		if !ok || s.User() == "" {
			return "hello, stranger"
		}
		return "hello, " + s.User()
	}
	sessions := newManager(nil)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, greeting(r.Context())) })
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		if err := s.SetUser("ann"); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		if err := s.Renew(r.Context()); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})
	browse(sessions.Handler(mux), "/", "/login", "/")
	fmt.Println(greeting(context.Background()))
	// Output:
	// hello, stranger
	// hello, ann
	// hello, stranger
}

// Phones change their address on the way: with FingerprintUserAgent they keep their session.
func ExampleOptions() {
	sessions, err := session.New(session.NewMemoryStore(nil), &session.Options{
		MaxAge:      30 * time.Minute,
		Lifetime:    12 * time.Hour,
		Fingerprint: session.FingerprintUserAgent,
		Transport:   session.Cookie(http.Cookie{Name: "__Host-shop", Secure: true}),
	})
	if err != nil {
		log.Fatal(err)
	}
	h := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := Views.Update(session.From(r), func(n int) int { return n + 1 })
		fmt.Fprintln(w, "views:", n)
	}))

	at := func(address string, cookies ...*http.Cookie) []*http.Cookie {
		r := httptest.NewRequest("GET", "https://example.com/", nil)
		r.RemoteAddr = address
		for _, c := range cookies {
			r.AddCookie(c)
		}
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		fmt.Print(answer.Body)
		return answer.Result().Cookies()
	}
	cookies := at("192.0.2.1:1234")
	at("198.51.100.7:4321", cookies...)
	// Output:
	// views: 1
	// views: 2
}

package session_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/boltsession/session"
)

// An API's client has no cookies: it logs in, gets a token in the answer and sends it along.
func ExampleManager_Generate() {
	sessions := newManager(&session.Options{Transport: session.Bearer()})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		token, err := sessions.Generate(r) // once the password was checked
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		if err := session.From(r).SetUser("ann"); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, token)
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		user := session.From(r).User()
		if user == "" {
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, user)
	})
	h := sessions.Handler(mux)

	call := func(method, path, token string) string {
		r := httptest.NewRequest(method, path, nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		return answer.Body.String()
	}
	fmt.Print(call("GET", "/me", ""))
	token := call("POST", "/login", "")
	fmt.Print(call("GET", "/me", token))
	// Output:
	// log in first
	// ann
}

// A job that goes on after its request is over has a handle of its own, and saves by itself.
func ExampleProxyStore_Acquire() {
	const report session.Key[string] = "report"

	sessions := newManager(nil)
	done := make(chan error, 1)
	job := func(id session.ID) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		s, release, err := sessions.Store().Acquire(ctx, id)
		if err != nil {
			return err // ErrNotFound: logged out meanwhile
		}
		defer release()
		if err := report.Set(s, "ready"); err != nil {
			return err
		}
		return s.Save(ctx)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/start", func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		if err := report.Set(s, "in the making"); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		if err := s.Save(r.Context()); err != nil { // the job finds it in the store
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "started")
		go func(id session.ID) { done <- job(id) }(s.ID())
	})
	mux.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) {
		if err := <-done; err != nil {
			log.Print(err)
		}
		text, _ := report.Get(session.From(r))
		fmt.Fprintln(w, text)
	})
	browse(sessions.Handler(mux), "/start", "/report")
	// Output:
	// started
	// ready
}

// A stream of server-sent events keeps its session alive by Touch, and ends itself when the
// user logs out, here by an administrator.
func ExampleSession_Done() {
	sessions := newManager(nil)
	events := func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		w.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			fmt.Fprintf(w, "data: hello %s\n\n", s.User())
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
			select {
			case <-tick.C:
				s.Touch()
			case <-s.Done():
				fmt.Fprint(w, "event: logout\n\n")
				return
			case <-r.Context().Done():
				return
			}
		}
	}
	started := make(chan session.ID, 1)
	server := httptest.NewServer(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		if err := s.SetUser("ann"); err != nil {
			log.Print(err)
		}
		started <- s.ID()
		events(w, r)
	})))
	defer server.Close()
	res, err := http.Get(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Scan()
	fmt.Println(lines.Text())
	if err := sessions.Store().Destroy(context.Background(), <-started); err != nil {
		log.Fatal(err)
	}
	for lines.Scan() {
		if lines.Text() != "" {
			fmt.Println(lines.Text())
		}
	}
	// Output:
	// data: hello ann
	// event: logout
}

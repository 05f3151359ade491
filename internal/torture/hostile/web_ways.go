//go:build linux

package hostile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// way is something that a handler does first with its ResponseWriter.
type way struct {
	name     string
	first    func(w http.ResponseWriter, r *http.Request) error
	begins   bool // the response has begun afterwards
	hijacks  bool // it is the handler's own
	bodiless bool // nothing is written afterwards
}

// ways are all of them.
func ways() []way { return slices.Concat(writing(), answering(), waiting(), flushing(), hijacking()) }

// waiting are those after which the response has not begun.
func waiting() []way {
	nothing := func(http.ResponseWriter, *http.Request) error { return nil }
	return []way{
		{name: "nothing", first: nothing},
		{name: "nothing at all", first: nothing, bodiless: true},
		{name: "early hints", first: func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusEarlyHints)
			return nil
		}},
		{name: "deadlines", first: func(w http.ResponseWriter, _ *http.Request) error {
			c, soon := http.NewResponseController(w), time.Now().Add(time.Minute)
			return errors.Join(c.SetReadDeadline(soon), c.SetWriteDeadline(soon), c.EnableFullDuplex())
		}},
		{name: "push", first: func(w http.ResponseWriter, _ *http.Request) error {
			if p, ok := w.(http.Pusher); ok {
				p.Push("/style.css", nil) // Go's client does not want any
			}
			return nil
		}},
	}
}

// flushing are those that flush.
func flushing() []way {
	return []way{
		{name: "flush", begins: true, first: func(w http.ResponseWriter, _ *http.Request) error {
			w.(http.Flusher).Flush()
			return nil
		}},
		{name: "flush, with an error", begins: true, first: func(w http.ResponseWriter, _ *http.Request) error {
			return w.(interface{ FlushError() error }).FlushError()
		}},
		{name: "controller's flush", begins: true, first: func(w http.ResponseWriter, _ *http.Request) error {
			return http.NewResponseController(w).Flush()
		}},
		{name: "flush through wrappers", begins: true, first: func(w http.ResponseWriter, _ *http.Request) error {
			return http.NewResponseController(wrapper{wrapper{w}}).Flush()
		}},
		{name: "early hints, flush", begins: true, first: func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusEarlyHints)
			return http.NewResponseController(w).Flush()
		}},
	}
}

// hijacking are those that take the connection.
func hijacking() []way {
	return []way{
		{name: "hijack", begins: true, hijacks: true, bodiless: true, first: hijack},
		{name: "hijack through a wrapper", begins: true, hijacks: true, bodiless: true, first: func(w http.ResponseWriter, r *http.Request) error {
			return hijack(wrapper{w}, r)
		}},
	}
}

// longText does not fit into any buffer on the way.
var longText = strings.Repeat("content ", 1<<17)

// writing are those that write a body.
func writing() []way {
	copies := func(from func() io.Reader) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, from())
			return err
		}
	}
	return []way{
		{name: "write", begins: true, first: copies(func() io.Reader { return strings.NewReader("content") })},
		{name: "write much", begins: true, first: copies(func() io.Reader { return strings.NewReader(longText) })},
		{name: "read from", begins: true, first: copies(func() io.Reader { return struct{ io.Reader }{strings.NewReader(longText)} })},
		{name: "serve content", begins: true, bodiless: true, first: func(w http.ResponseWriter, r *http.Request) error {
			http.ServeContent(w, r, "x.txt", time.Now(), strings.NewReader(longText))
			return nil
		}},
		{name: "JSON", begins: true, bodiless: true, first: func(w http.ResponseWriter, _ *http.Request) error {
			return json.NewEncoder(w).Encode("content")
		}},
		{name: "within a TimeoutHandler", begins: true, bodiless: true, first: func(w http.ResponseWriter, r *http.Request) error {
			http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, "content")
			}), time.Minute, "").ServeHTTP(w, r)
			return nil
		}},
	}
}

// answering are those that begin with a status.
func answering() []way {
	answers := func(status int) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(status)
			return nil
		}
	}
	return []way{
		{name: "status", begins: true, first: answers(http.StatusOK)},
		{name: "no content", begins: true, bodiless: true, first: answers(http.StatusNoContent)},
		{name: "not modified", begins: true, bodiless: true, first: answers(http.StatusNotModified)},
		{name: "error", begins: true, bodiless: true, first: func(w http.ResponseWriter, _ *http.Request) error {
			http.Error(w, "content", http.StatusTeapot)
			return nil
		}},
		{name: "redirect", begins: true, bodiless: true, first: func(w http.ResponseWriter, r *http.Request) error {
			http.Redirect(w, r, "/content", http.StatusSeeOther)
			return nil
		}},
	}
}

// wrapper is a ResponseWriter of some other middleware.
type wrapper struct{ http.ResponseWriter }

// Unwrap is for http.ResponseController.
func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// hijack takes the connection and answers on it, with what is in the header.
func hijack(w http.ResponseWriter, _ *http.Request) error {
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprint(buffer, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
	w.Header().Write(buffer)
	fmt.Fprint(buffer, "\r\ncontent")
	return buffer.Flush()
}

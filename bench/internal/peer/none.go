package peer

import (
	"net/http"
	"strings"
	"time"
)

// none is the app without a session.
type none struct{ http.Handler }

func openNone(o Options) (Peer, error) {
	app := newApp(o)
	text := strings.Repeat("x", textSize)
	return none{app.mux(func(http.ResponseWriter, *http.Request) (Session, error) { return noSession(text), nil })}, nil
}

func (none) Fill(_, n int, _ time.Duration) ([]string, error) { return make([]string, n), nil }
func (none) Size() int64                                      { return 0 }
func (none) Close() error                                     { return nil }

// noSession has the same text under every key, and forgets.
type noSession string

func (s noSession) Text(_, _ string) string    { return string(s) }
func (noSession) SetText(_, _, _ string) error { return nil }
func (noSession) Number(string) int            { return 1 }
func (noSession) Add(string) (int, error)      { return 1, nil }
func (noSession) SignIn(string) error          { return nil }
func (noSession) SignOut() error               { return nil }
func (noSession) Save() error                  { return nil }

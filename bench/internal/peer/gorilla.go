package peer

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gorilla/sessions"
)

// gorilla is gorilla/sessions with its FilesystemStore.
type gorilla struct {
	http.Handler
	dir string
}

const gorillaName = "session"

// openGorilla signs cookies and files with a key of 32 bytes, and lifts the limit of 4 KiB on a
// session, as the documentation says. It does not encrypt.
func openGorilla(o Options) (Peer, error) {
	store := sessions.NewFilesystemStore(o.Dir, bytes.Repeat([]byte{9}, 32))
	store.MaxLength(0)
	mux := newApp(o).mux(func(w http.ResponseWriter, r *http.Request) (Session, error) {
		s, err := store.Get(r, gorillaName)
		return &gorillaSession{s: s, w: w, r: r}, err
	})
	return &gorilla{mux, o.Dir}, nil
}

// Fill makes sessions by requests; nothing is synced anyway.
func (p *gorilla) Fill(from, n int, _ time.Duration) ([]string, error) {
	return fillByRequests(p, from, n)
}

func (p *gorilla) Size() (size int64) {
	files, err := filepath.Glob(filepath.Join(p.dir, "session_*"))
	if err != nil {
		return 0
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			size += (info.Size() + 4095) &^ 4095 // a file takes whole blocks
		}
	}
	return size
}

func (p *gorilla) Close() error { return nil }

// gorillaSession is the session of a request. It is saved when something changed.
type gorillaSession struct {
	s     *sessions.Session
	w     http.ResponseWriter
	r     *http.Request
	dirty bool
}

func (g *gorillaSession) Text(part, key string) string {
	text, _ := g.s.Values[scsKey(part, key)].(string)
	return text
}

func (g *gorillaSession) SetText(part, key, value string) error {
	g.s.Values[scsKey(part, key)] = value
	g.dirty = true
	return nil
}

func (g *gorillaSession) Number(key string) int {
	n, _ := g.s.Values[key].(int)
	return n
}

func (g *gorillaSession) Add(key string) (int, error) {
	n := g.Number(key) + 1
	g.s.Values[key] = n
	g.dirty = true
	return n, nil
}

// SignIn erases the session's file and gives it a new name, which Save writes.
func (g *gorillaSession) SignIn(user string) error {
	if g.s.ID != "" {
		if err := g.SignOut(); err != nil {
			return err
		}
		g.w.Header().Del("Set-Cookie")
	}
	g.s.ID, g.s.Options.MaxAge = "", int(lifetime/time.Second)
	g.s.Values["user"] = user
	g.dirty = true
	return nil
}

func (g *gorillaSession) SignOut() error {
	g.s.Options.MaxAge = -1
	g.dirty = false
	return g.s.Save(g.r, g.w)
}

func (g *gorillaSession) Save() error {
	if !g.dirty {
		return nil
	}
	return g.s.Save(g.r, g.w)
}

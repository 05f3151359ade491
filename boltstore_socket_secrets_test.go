//go:build unix

package session_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
)

// tap is a socket that passes on what comes to another one, and keeps it.
type tap struct {
	mu   sync.Mutex
	seen bytes.Buffer
	wg   sync.WaitGroup
}

// Write keeps what was passed on.
func (p *tap) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.Write(b)
}

// listen passes on what comes to path, to the socket to, until the listener is closed.
func (p *tap) listen(t *testing.T, path, to string) net.Listener {
	l, err := net.Listen("unix", path)
	must(t, err)
	p.wg.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			on, err := net.Dial("unix", to)
			if err != nil {
				from.Close()
				return
			}
			p.wg.Go(func() { io.Copy(io.MultiWriter(on, p), from) })
			p.wg.Go(func() {
				defer from.Close()
				defer on.Close()
				io.Copy(io.MultiWriter(from, p), on)
			})
		}
	})
	return l
}

// TestBoltStoreSocketHasNoTokens: nothing that goes through it tells a token (RELIABILITY 18).
func TestBoltStoreSocketHasNoTokens(t *testing.T) {
	store, path := openServed(t, quiet)
	s := newSite(t, store, session.Options{})
	var tokens []string
	for range 50 {
		v := s.visitor()
		v.visit(func(_ http.ResponseWriter, r *http.Request) {
			must(t, visits.Set(session.From(r), 7))
			must(t, session.From(r).SetUser("ann"))
		})
		tokens = append(tokens, v.token)
	}
	between := new(tap)
	l := between.listen(t, path+".tap.sock", path+".sock")
	client := dial(t, path+".tap")
	var all []admin.Session
	for _, token := range tokens {
		got, err := client.Get(t.Context(), session.TokenID(token).String())
		must(t, err)
		all = append(all, got)
		_, err = client.Find(t.Context(), got.ID[:8], 5)
		must(t, err)
	}
	_, err := listed(t.Context(), client, admin.Filter{})
	must(t, err)
	must(t, client.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db")))
	_, err = client.Import(t.Context(), true, all...)
	must(t, err)
	for call, err := range everyCall(t.Context(), client, all[0].ID) {
		if err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	must(t, l.Close())
	between.wg.Wait()
	traffic := between.seen.String()
	if !strings.Contains(traffic, all[0].ID) {
		t.Fatal("the traffic was not seen")
	}
	for _, token := range tokens {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		must(t, err)
		for _, form := range []string{
			token, string(raw), hex.EncodeToString(raw), hex.EncodeToString([]byte(token)),
			base64.StdEncoding.EncodeToString(raw)[:42], base64.StdEncoding.EncodeToString([]byte(token))[:56],
		} {
			if strings.Contains(traffic, form) {
				t.Fatal("a token is in the traffic")
			}
		}
	}
}

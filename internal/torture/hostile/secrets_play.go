//go:build linux

package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// buildCtl builds sessctl, once.
func buildCtl(ctx context.Context, t *trial.Trial) (string, error) {
	path := filepath.Join(t.Dir, "sessctl")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", trial.Cannot("go is missing, to build sessctl with")
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/boltsession/session/cmd/sessctl").CombinedOutput()
	if err != nil {
		return "", trial.Cannot("build sessctl, in a checkout: %v: %s", err, out)
	}
	return path, nil
}

// reading are the commands that print something of a store.
func reading(tokens []string) [][]string {
	list := [][]string{
		{"length", "FILE"}, {"length", "FILE", "--json"}, {"all", "FILE"}, {"all", "FILE", "--json"},
		{"all", "FILE", "--user", "ann", "--component", "cart"}, {"inspect", "FILE"}, {"inspect", "FILE", "--json"},
		{"stats", "FILE"}, {"stats", "FILE", "--json"}, {"export", "FILE"},
		{"watch", "FILE", "--count", "2", "--interval", "100ms"}, {"watch", "FILE", "--count", "2", "--interval", "100ms", "--json"},
		{"inspect", "FILE", "0000000000"}, // there is none: words on stderr
	}
	for _, token := range tokens[len(tokens)-5:] {
		id := session.TokenID(token).String()
		list = append(list, []string{"inspect", "FILE", id}, []string{"inspect", "FILE", id[:12], "--json"})
	}
	return list
}

// run runs sessctl and keeps what it prints.
func (h *hunt) run(ctx context.Context, place string, commands [][]string) error {
	if h.said[place] == nil {
		h.said[place] = new(strings.Builder)
	}
	for _, args := range commands {
		words := slices.Clone(args)
		for i, word := range words {
			if word == "FILE" || strings.HasSuffix(word, ".db") {
				words[i] = h.path(strings.Replace(word, "FILE", "sessions.db", 1))
			}
		}
		cmd := exec.CommandContext(ctx, h.ctl, words...)
		cmd.Env = append(os.Environ(), h.keyVariable())
		out, err := cmd.CombinedOutput()
		h.said[place].Write(out)
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1 || args[0] != "inspect") {
			return fmt.Errorf("sessctl %s: %w: %s", strings.Join(args, " "), err, out[max(0, len(out)-500):])
		}
	}
	return nil
}

// browser is a client of an app that remembers all tokens it ever had.
type browser struct {
	client  *http.Client
	address string
	token   string
	had     []string
}

// get asks for a page; more are further header fields. A panic's answer is an error of the
// connection, which is what was wanted.
func (b *browser) get(ctx context.Context, path string, more ...string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.address+path, nil)
	if err != nil {
		return
	}
	if b.token != "" {
		bring(r.Header, "cookie", b.token)
	}
	for i := 0; i < len(more); i += 2 {
		r.Header.Add(more[i], more[i+1])
	}
	res, err := b.client.Do(r)
	if err != nil {
		return
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	if token, _ := (reply{header: res.Header}).token(); token != "" {
		b.token = token
		b.had = append(b.had, token)
	}
}

// liveTokens has browsers log in and do what is logged, and returns all tokens that they had: at
// least n are live.
func liveTokens(ctx context.Context, address string, n int) ([]string, error) {
	client := plainClient(&http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()})
	defer client.CloseIdleConnections()
	const clients = 16
	had := make([][]string, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for j := i; j < n && ctx.Err() == nil; j += clients {
				b := &browser{client: client, address: address}
				b.get(ctx, "/set")
				b.get(ctx, "/login")
				b.misbehave(ctx, j)
				had[i] = append(had[i], b.had...)
			}
		})
	}
	wg.Wait()
	all := slices.Concat(had...)
	if len(all) < 2*n {
		return nil, fmt.Errorf("%d clients got %d tokens", n, len(all))
	}
	return all, ctx.Err()
}

// misbehave does one of the things that end in a log, without ending the session.
func (b *browser) misbehave(ctx context.Context, i int) {
	switch i % 12 {
	case 0:
		b.get(ctx, "/panic")
	case 1:
		b.get(ctx, "/late")
	case 2:
		b.get(ctx, "/bad")
	case 3:
		b.get(ctx, "/forgotten")
	case 4:
		b.get(ctx, "/renew")
	case 5:
		b.get(ctx, "/read", "User-Agent", "another")
	case 6:
		b.get(ctx, "/read", "Cookie", "sid="+b.token[:40])
	case 7:
		was := b.token
		b.get(ctx, "/renew")
		b.get(ctx, "/set", "Cookie", "sid="+was) // differing duplicates, one of them retired
	case 8:
		b.get(ctx, "/logout")
		b.get(ctx, "/read")
		b.token = ""
		b.get(ctx, "/set") // and a live one instead
	case 9:
		b.get(ctx, "/regenerate?set")
	case 10:
		(&browser{client: b.client, address: b.address}).get(ctx, "/late") // a new one that cannot be told
	}
}

// fullDisk has the app fail to write for a while.
func (h *hunt) fullDisk(ctx context.Context) error {
	var nothing any
	if err := h.app.ask("limit on", &nothing); err != nil {
		return err
	}
	client := plainClient(&http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()})
	defer client.CloseIdleConnections()
	for i := range 40 {
		b := &browser{client: client, address: h.app.address, token: h.tokens[len(h.tokens)-1-i]}
		b.get(ctx, []string{"/set", "/login", "/logout", "/late", "/regenerate?set"}[i%5])
		h.tokens = append(b.had, h.tokens...)
	}
	return h.app.ask("limit off", &nothing)
}

// die has the app end by a panic, with requests under way.
func (h *hunt) die(ctx context.Context) {
	client := plainClient(&http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()})
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			b := &browser{client: client, address: h.app.address, token: h.tokens[i]}
			for range 50 {
				b.get(ctx, "/login")
			}
		})
	}
	var nothing any
	h.app.ask("crash", &nothing) // nobody is left to answer
	wg.Wait()
	h.app.kill()
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// bytes returns what went through the tap.
func (p *tap) bytes() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.seen.Bytes())
}

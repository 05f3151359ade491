//go:build linux

package hostile

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// fuzzSocket sends requests of all sorts, whole and mutilated: each is answered in JSON or hung up
// on, nothing panics, and the store is whole afterwards.
func fuzzSocket(ctx context.Context, t *trial.Trial) error {
	dir, err := subdir(t)
	if err != nil {
		return err
	}
	a, err := startServed(ctx, t, dir, "bind", 50)
	if err != nil {
		return err
	}
	defer a.kill()
	f := &fuzzer{Trial: t, rand: t.Rand, dir: dir, statuses: map[int]int{}}
	n := 0
	for until := time.Now().Add(time.Duration(t.Size(20_000, 2000)) * time.Millisecond); time.Now().Before(until) && ctx.Err() == nil; n++ {
		if err := f.one(ctx, socketIn(dir)); err != nil {
			return fmt.Errorf("request %d: %w", n, err)
		}
	}
	var l latency
	if err := a.ask("saves", &l); err != nil {
		return err
	}
	if err := a.stop(); err != nil {
		return err
	}
	log, err := os.ReadFile(a.log)
	if err != nil {
		return err
	}
	panics := strings.Count(string(log), "panic")
	if panics > 0 {
		t.Fail("%d panics: %s", panics, lastWords(a.log))
	}
	store, err := session.Open(filepath.Join(dir, "sessions.db"), &session.BoltOptions{ReadOnly: true, Logger: quietLog()})
	if err != nil {
		return err
	}
	t.Figure("fuzz: %d requests in %d forms, answers by status (0: hung up on) %v, %d panics, the store is whole and saves%s", n, len(fuzzForms), f.statuses, panics, t.Unless())
	return store.Close()
}

// fuzzer makes requests.
type fuzzer struct {
	*trial.Trial
	rand     *rand.Rand
	dir      string
	statuses map[int]int
}

// one sends a request and looks at the answer.
func (f *fuzzer) one(ctx context.Context, path string) error {
	text, long := f.request()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() {
		io.WriteString(conn, text)
		conn.(*net.UnixConn).CloseWrite()
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		f.statuses[0]++
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			return fmt.Errorf("no answer to %.300q", text)
		}
		return nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	f.statuses[res.StatusCode]++
	if long && res.StatusCode == http.StatusOK {
		f.Fail("a header of %d bytes is taken", len(text))
	}
	if kind := res.Header.Get("Content-Type"); err == nil && kind == "application/json" && !json.Valid(body) {
		f.Fail("the answer is no JSON: %.200q to %.300q", body, text)
	}
	return nil
}

// fuzzForms are requests as they should be. %ID stands for a random ID, %N for a number, %S for a
// text, %JSON for a session.
var fuzzForms = []struct{ method, path, body string }{
	{"GET", "/v1", ""}, {"GET", "/v1/stats", ""}, {"GET", "/v1/length", ""}, {"GET", "/v1/sessions", ""},
	{"GET", "/v1/sessions?user=%S&component=%S&older=%Ns", ""}, {"GET", "/v1/sessions/%ID", ""},
	{"GET", "/v1/ids?prefix=%S&limit=%N", ""}, {"POST", "/v1/destroy", `{"ids":["%ID","%S"]}`},
	{"POST", "/v1/destroy-user", `{"user":"%S"}`}, {"POST", "/v1/clear", `{}`}, {"POST", "/v1/reap", `{}`},
	{"POST", "/v1/compact", `{}`}, {"POST", "/v1/import", `{"replace":true,"sessions":[%JSON,%JSON]}`},
	{"POST", "/v1/import", `{"replace":false,"sessions":[%JSON]}`}, {"POST", "/v1/backup", `{"path":"%PATH"}`},
}

const fuzzSession = `{"id":"%ID","user":"%S","created":"2026-01-01T00:00:00Z","last_access":"2026-01-01T00:00:00Z","end":"2226-01-01T00:00:00Z","max_age":%N000000000000,"values":{"%S":{"%S":"AQ=="},"":{"a":"gQE="}}}`

// request returns one, and whether its header is longer than is allowed.
func (f *fuzzer) request() (text string, long bool) {
	form := fuzzForms[f.rand.IntN(len(fuzzForms))]
	body, path := f.filled(form.body), f.filled(form.path)
	method := form.method
	if f.rand.IntN(20) == 0 {
		method = []string{"GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT", "X"}[f.rand.IntN(9)]
	}
	header := "Host: x\r\n"
	if body != "" {
		header += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	switch f.rand.IntN(20) {
	case 0:
		header, long = header+"X-Long: "+strings.Repeat("a", 16<<10+f.rand.IntN(1<<15))+"\r\n", true
	case 1:
		header += "Transfer-Encoding: chunked\r\n"
	case 2:
		header += "Expect: 100-continue\r\n"
	case 3:
		header += "Connection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n"
	case 4:
		header += "Sec-Fetch-Site: cross-site\r\n"
	}
	text = method + " " + path + " HTTP/1.1\r\n" + header + "\r\n" + body
	if !long && !strings.HasSuffix(path, "backup") { // who knows what path that would be
		text = f.mutilated(text)
	}
	return text, long
}

// filled fills in a form.
func (f *fuzzer) filled(s string) string {
	s = strings.ReplaceAll(s, "%JSON", fuzzSession)
	for strings.Contains(s, "%") {
		i := strings.IndexByte(s, '%')
		switch rest := s[i+1:]; {
		case strings.HasPrefix(rest, "ID"):
			s = s[:i] + session.TokenID(fmt.Sprint(f.rand.IntN(200))).String() + rest[2:]
		case strings.HasPrefix(rest, "PATH"):
			s = s[:i] + filepath.Join(f.dir, fmt.Sprintf("copy%d.db", f.rand.IntN(50))) + rest[4:]
		case rest[0] == 'N':
			s = s[:i] + []string{"0", "1", "9", "-1", "99999999999999999999", "1e9"}[f.rand.IntN(6)] + rest[1:]
		default:
			s = s[:i] + []string{"", "ann", "cart", `\u0000`, "\xff", `\ud800`, "../..", strings.Repeat("x", 300), "a b", "0f"}[f.rand.IntN(10)] + rest[1:]
		}
	}
	return s
}

// mutilated changes a few bytes, sometimes.
func (f *fuzzer) mutilated(s string) string {
	b := []byte(s)
	for range f.rand.IntN(4) {
		i := f.rand.IntN(len(b))
		switch f.rand.IntN(4) {
		case 0:
			b[i] = byte(f.rand.UintN(256))
		case 1:
			b = b[:i+1]
		case 2:
			b = append(b[:i], b[min(len(b)-1, i+f.rand.IntN(20)):]...)
		case 3:
			b = append(b, b[i:]...)
		}
	}
	return string(b)
}

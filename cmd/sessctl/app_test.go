package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// suite runs the tests, and removes what they built.
type suite struct{ *testing.M }

func (s suite) Run() int {
	dir, err := os.MkdirTemp("", "sessctl-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	os.Setenv("COUNTER", filepath.Join(dir, "counter.exe"))
	return s.M.Run()
}

// counter builds examples/counter, once, and returns the program.
var counter = sync.OnceValues(func() (string, error) {
	path := os.Getenv("COUNTER")
	out, err := exec.Command("go", "build", "-o", path, "../../examples/counter").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build counter: %w\n%s", err, out)
	}
	return path, err
})

// app is a running counter.
type app struct {
	url   string
	cmd   *exec.Cmd
	ended chan struct{} // closed when its output has ended
}

// appKey is where a script has its app.
type appKey struct{}

// startApp starts a counter on a store and waits until it listens.
func startApp(db string) (*app, error) {
	path, err := counter()
	if err != nil {
		return nil, err
	}
	a := &app{cmd: exec.Command(path, "-addr", "localhost:0", "-db", db), ended: make(chan struct{})}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var words strings.Builder
	a.cmd.Stderr = &words
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	_, url, ok := strings.Cut(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		close(a.ended)
		a.end(os.Kill)
		return nil, fmt.Errorf("start counter: it says %q, %v\n%s", line, err, words.String())
	}
	a.url = url
	go func() {
		io.Copy(io.Discard, lines)
		close(a.ended)
	}()
	return a, nil
}

// end sends a signal that ends the app, and waits for that.
func (a *app) end(s os.Signal) error {
	if a.cmd == nil {
		return nil
	}
	if err := a.cmd.Process.Signal(s); err != nil {
		return err
	}
	<-a.ended
	err := a.cmd.Wait()
	a.cmd = nil
	if s == os.Kill {
		return nil
	}
	return err
}

// cmdApp runs an app in a script: app start FILE sets $URL and $PID; app stop, as Ctrl-C does;
// app kill, as kill -9 does.
func cmdApp(ts *testscript.TestScript, _ bool, args []string) {
	running := ts.Value(appKey{}).(*app)
	switch args[0] {
	case "start":
		started, err := startApp(ts.MkAbs(args[1]))
		ts.Check(err)
		*running = *started
		ts.Setenv("URL", started.url)
		ts.Setenv("PID", fmt.Sprint(started.cmd.Process.Pid))
		ts.Defer(func() { running.end(os.Kill) })
	case "stop":
		ts.Check(running.end(os.Interrupt))
	case "kill":
		ts.Check(running.end(os.Kill))
	default:
		ts.Fatalf("app %s?", args[0])
	}
}

// cmdIDOf sets $ID to the first session's of the last output: sessctl all --json, or export.
func cmdIDOf(ts *testscript.TestScript, _ bool, _ []string) {
	var s struct{ ID string }
	ts.Check(json.NewDecoder(strings.NewReader(ts.ReadFile("stdout"))).Decode(&s))
	ts.Setenv("ID", s.ID)
}

// visit is a browser: visit URL [JAR] prints a page. JAR is a file with the browser's cookie.
func visit() {
	if err := visitPage(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func visitPage(args []string) error {
	r, err := http.NewRequest("GET", args[0], nil)
	if err != nil {
		return err
	}
	if len(args) > 1 {
		cookie, err := os.ReadFile(args[1])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		r.Header.Set("Cookie", string(cookie))
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if cookies := answer.Cookies(); len(cookies) > 0 && len(args) > 1 {
		text := cookies[0].Name + "=" + cookies[0].Value
		if err := os.WriteFile(args[1], []byte(text), 0o600); err != nil {
			return err
		}
	}
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}

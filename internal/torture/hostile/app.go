//go:build linux

package hostile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/boltsession/session"
)

// appConfig says what the role app is to be.
type appConfig struct {
	Dir     string // of the file
	Adopt   bool   // serve the adopting stack, which has to be seen failing
	Keys    bool   // encrypt values
	Fill    int    // sessions to begin with
	Socket  string // "" none, "real", or how a careless one is made: "bind", "replace"
	Plant   bool   // put what must not be found into every place
	Address string // where to listen; "" is any port of loopback
}

// appHello is the first line that an app prints.
type appHello struct{ Address string }

// app is a whole app in a process of its own, with a debug log on its standard error. It is told
// what to do on its standard input, a line each, and answers with a line of JSON.
type app struct {
	*opened
	config appConfig
	log    *slog.Logger
	saver  *saver

	slipped atomic.Pointer[string] // the latest token of plant
}

// playApp is the role.
func playApp(args []string) error {
	signal.Ignore(syscall.SIGXFSZ) // a file at its limit is an error of the write
	a := &app{log: slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if err := json.Unmarshal([]byte(args[0]), &a.config); err != nil {
		return err
	}
	if err := a.start(); err != nil {
		return err
	}
	defer a.close()
	l, err := net.Listen("tcp", max(a.config.Address, "127.0.0.1:0"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: a.wrap(a.routes()), ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelError)}
	go server.Serve(l)
	defer server.Close()
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(appHello{l.Addr().String()}); err != nil {
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() && in.Text() != "stop" {
		answer, err := a.obey(strings.Fields(in.Text()))
		if err != nil {
			answer = map[string]string{"Error": err.Error()}
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return in.Err()
}

// start opens the store and what else there is.
func (a *app) start() (err error) {
	c := setup{dir: a.config.Dir, transport: "cookie", broken: a.config.Adopt}
	c.bolt = session.BoltOptions{Reap: session.Never, NoSocket: a.config.Socket != "real", Logger: a.log}
	if a.config.Keys {
		c.bolt.Keys = [][]byte{appKey()}
	}
	c.options = session.Options{Logger: a.log, ErrorHandler: a.failed}
	if a.opened, err = c.open(); err != nil {
		return err
	}
	a.saver = &saver{store: a.store}
	if err := a.saver.fill(a.config.Fill); err != nil {
		return err
	}
	if s := a.config.Socket; s != "" && s != "real" {
		return a.serveCarelessly(s == "replace")
	}
	return nil
}

// appKey is the key of an app with Keys.
func appKey() []byte { return []byte("this key of the trial: 32 bytes.") }

// errorLine begins a line on standard error that has an error of the app's.
const errorLine = "error: "

// failed is the app's ErrorHandler.
func (a *app) failed(w http.ResponseWriter, r *http.Request, err error) {
	for e := err; e != nil; e = errors.Unwrap(e) {
		fmt.Fprintf(os.Stderr, "%s%T %v %+v %#v\n", errorLine, e, e, e, e)
	}
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}

// obey does what a line says.
func (a *app) obey(words []string) (any, error) {
	switch words[0] {
	case "vitals":
		debug.FreeOSMemory()
		return a.vitals()
	case "limit":
		return nil, a.limit(words[1] == "on")
	case "saves":
		return a.saver.measure()
	case "crash":
		a.crash()
	}
	return nil, fmt.Errorf("no command %q", words[0])
}

// limit keeps the file from growing, as a full disk does, or lets it grow again.
func (a *app) limit(on bool) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &now); err != nil {
		return err
	}
	if now.Cur = now.Max; on {
		now.Cur = uint64(2 * os.Getpagesize()) // room for the meta pages, and for no data
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now)
}

//go:build linux

package hostile

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/boltsession/session/internal/torture/trial"
)

// actor is an app that plays in a process of its own.
type actor struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	log     string // file that its standard error goes to
	stderr  io.Closer
	address string
	gone    bool
}

// startApp starts an app. Whoever does stops or kills it.
func startApp(ctx context.Context, t *trial.Trial, c appConfig) (*actor, error) {
	arg, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	cmd, err := trial.Player(ctx, "hostile-app", string(arg))
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(t.Dir, "log-")
	if err != nil {
		return nil, err
	}
	a := &actor{cmd: cmd, log: log.Name(), stderr: log}
	cmd.Stderr = struct{ io.Writer }{log} // by a pipe: a limit of the app's files is none of its log
	cmd.Env = append(os.Environ(), "GOTRACEBACK=all")
	if a.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	a.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var hello appHello
	if err := a.hear(&hello); err != nil {
		a.kill()
		return nil, fmt.Errorf("app: %w: %s", err, lastWords(a.log))
	}
	a.address = hello.Address
	return a, nil
}

// ask has the app do something and decodes what it answers.
func (a *actor) ask(line string, answer any) error {
	if _, err := fmt.Fprintln(a.in, line); err != nil {
		return fmt.Errorf("tell app %s: %w: %s", line, err, lastWords(a.log))
	}
	if err := a.hear(answer); err != nil {
		return fmt.Errorf("ask app %s: %w: %s", line, err, lastWords(a.log))
	}
	return nil
}

func (a *actor) hear(answer any) error {
	line, err := a.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	var failed struct{ Error string }
	if json.Unmarshal(line, &failed) == nil && failed.Error != "" {
		return errors.New(failed.Error)
	}
	return json.Unmarshal(line, answer)
}

// vitals asks what the app has in use.
func (a *actor) vitals() (v vitals, err error) { return v, a.ask("vitals", &v) }

// stop ends the app in order.
func (a *actor) stop() error {
	if a.gone {
		return nil
	}
	a.gone = true
	fmt.Fprintln(a.in, "stop")
	a.in.Close()
	io.Copy(io.Discard, a.out)
	if err := a.wait(); err != nil {
		return fmt.Errorf("app: %w: %s", err, lastWords(a.log))
	}
	return nil
}

// kill ends it at once, and returns how it ended.
func (a *actor) kill() error {
	if a.gone {
		return nil
	}
	a.gone = true
	a.cmd.Process.Kill()
	io.Copy(io.Discard, a.out)
	return a.wait()
}

func (a *actor) wait() error {
	defer a.stderr.Close()
	return a.cmd.Wait()
}

// lastWords returns the end of a log.
func lastWords(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-2000):])
}

//go:build linux

package damage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

// helper is a process that answers one question after another, each a line of JSON. It may die of
// one, or never answer: the next question goes to another process.
type helper struct {
	role     string
	args     []string
	patience time.Duration // longer than this is for ever

	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
	words   bytes.Buffer // what it wrote on its standard error
}

var (
	errDied = errors.New("the process died")
	errHung = errors.New("the process hangs")
)

// ask asks a question. The error is errDied or errHung if there is no answer, and then words has
// what the process said last.
func (h *helper) ask(ctx context.Context, question, answer any) error {
	if h.cmd == nil {
		if err := h.start(ctx); err != nil {
			return err
		}
	}
	line, err := json.Marshal(question)
	if err != nil {
		return err
	}
	process := h.cmd.Process
	watchdog := time.AfterFunc(h.patience, func() { // a hung process says where
		process.Signal(syscall.SIGQUIT)
		time.AfterFunc(2*time.Second, func() { process.Kill() })
	})
	h.in.Write(append(line, '\n')) // if it cannot be written, there is no answer either
	heard := h.answers.Scan()
	inTime := watchdog.Stop()
	if heard && inTime {
		return json.Unmarshal(h.answers.Bytes(), answer)
	}
	h.stop()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !inTime:
		return errHung
	}
	return errDied
}

func (h *helper) start(ctx context.Context) (err error) {
	if h.cmd, err = trial.Player(ctx, h.role, h.args...); err != nil {
		return err
	}
	h.words.Reset()
	h.cmd.Stderr = &h.words
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	h.answers = bufio.NewScanner(out)
	h.answers.Buffer(nil, 64<<20)
	return h.cmd.Start()
}

// stop ends the process.
func (h *helper) stop() {
	if h.cmd == nil {
		return
	}
	h.in.Close()
	h.cmd.Wait()
	h.cmd = nil
}

// lastWords returns the beginning of what the process said when it died.
func (h *helper) lastWords() string {
	words := h.words.Bytes()
	return fmt.Sprintf("%.200q", words[:min(len(words), 200)])
}

// answerAll is the other end: it answers each question by f.
func answerAll[Q, A any](in io.Reader, out io.Writer, f func(Q) (A, error)) error {
	questions := bufio.NewScanner(in)
	questions.Buffer(nil, 64<<20)
	for questions.Scan() {
		var q Q
		if err := json.Unmarshal(questions.Bytes(), &q); err != nil {
			return err
		}
		a, err := f(q)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(a); err != nil {
			return err
		}
	}
	return questions.Err()
}

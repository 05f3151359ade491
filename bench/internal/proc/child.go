// Package proc runs each peer in a process of its own, and has them take turns.
package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/boltsession/session/bench/internal/result"
	"github.com/boltsession/session/bench/internal/work"
)

// ChildArg is the first argument of a process that is a peer. Peer, workload, directory and size
// come after it.
const ChildArg = "child"

// order is what a child is told: run a case, by its number in the workload.
type order struct {
	Case int `json:"case"`
}

// answer is what a child says, once after its setup and once after each order.
type answer struct {
	Sample result.Sample `json:"sample"`
	Error  string        `json:"error,omitempty"`
}

// Child is the program of a process that is a peer: it takes orders until in ends.
func Child(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 4 {
		return errors.New("a child takes a peer, a workload, a directory and a size")
	}
	size := work.Full()
	if args[3] == "quick" {
		size = work.Quick()
	}
	w, ok := work.Find(size, args[1])
	if !ok {
		return fmt.Errorf("no workload %q", args[1])
	}
	say := json.NewEncoder(out)
	e, err := work.NewEnv(args[0], args[2], w, size)
	if err := say.Encode(said(result.Sample{}, err)); err != nil || e == nil {
		return err
	}
	for orders := json.NewDecoder(in); ; {
		var o order
		switch err := orders.Decode(&o); {
		case errors.Is(err, io.EOF):
			return e.Peer.Close()
		case err != nil:
			return fmt.Errorf("read order: %w", err)
		}
		if err := say.Encode(said(w.Cases[o.Case].Run(e))); err != nil {
			return err
		}
	}
}

func said(s result.Sample, err error) answer {
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Sample: s}
}

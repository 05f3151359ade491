package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// confirmation asks before something that cannot be undone.
type confirmation struct {
	yes bool // --yes: do not ask
	cmd string
	std streams
}

// check returns an error unless it may be done. what tells what will happen. The store is not
// held open while a person thinks: an app could not start meanwhile.
func (c confirmation) check(ctx context.Context, what func() (string, error)) error {
	if c.yes {
		return nil
	}
	if !isTerminal(c.std.in) {
		return usagef("%s and there is no terminal to ask on; add --yes if you mean it", c.cmd)
	}
	text, err := what()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.std.err, "%s\nGo on? [y/N] ", text)
	answers := make(chan string, 1)
	go func() { // a read from a terminal cannot be interrupted; the process ends with it
		answer, _ := bufio.NewReader(c.std.in).ReadString('\n')
		answers <- answer
	}()
	select {
	case answer := <-answers:
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return nil
		}
		return &toldError{text: "not confirmed, nothing was removed"}
	case <-ctx.Done():
		fmt.Fprintln(c.std.err)
		return &toldError{"interrupted, nothing was removed", ctx.Err()}
	}
}

// printRemoved prints how many sessions a command removed.
func printRemoved(std streams, path string, asJSON bool, n int) error {
	if asJSON {
		return writeJSON(std.out, struct {
			Removed int `json:"removed"`
		}{n})
	}
	fmt.Fprintf(std.err, "sessions removed from %s:\n", printable(path))
	_, err := fmt.Fprintln(std.out, n)
	return err
}

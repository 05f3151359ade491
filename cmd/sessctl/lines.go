package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// maxLine is how long one session may be as a line.
const maxLine = 64 << 20

// line is one line of a text.
type line struct {
	number int // from 1
	size   int // with what ends it
	text   []byte
	err    error // io.EOF after the last one
}

// lines reads lines that are not blank, from a goroutine of its own: a read from a pipe or a
// terminal cannot be interrupted. It ends with the text, with an error, or with ctx.
func lines(ctx context.Context, r io.Reader) <-chan line {
	out := make(chan line, 64)
	send := func(l line) bool {
		select {
		case out <- l:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		in := bufio.NewScanner(r)
		in.Buffer(make([]byte, 64<<10), maxLine)
		n := 0
		for in.Scan() {
			n++
			text := in.Bytes()
			if size := len(text) + 1; len(bytes.TrimSpace(text)) > 0 && !send(line{number: n, size: size, text: bytes.Clone(text)}) {
				return
			}
		}
		err := in.Err()
		switch {
		case errors.Is(err, bufio.ErrTooLong):
			err = fmt.Errorf("line %d is longer than %s", n+1, bytesText(maxLine))
		case err == nil:
			err = io.EOF
		}
		send(line{number: n + 1, err: err})
	}()
	return out
}

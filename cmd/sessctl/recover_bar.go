package main

import (
	"fmt"
	"io"
	"time"
)

// How long recovering takes before its progress shows, and how often that is drawn.
const (
	barAfter = 300 * time.Millisecond
	barEvery = 100 * time.Millisecond
)

// recoverBar shows on a terminal how far recovering is.
type recoverBar struct {
	w            io.Writer // nil: there is no terminal
	began, drawn time.Time
}

func newRecoverBar(w io.Writer) *recoverBar {
	if !isTerminal(w) {
		return &recoverBar{}
	}
	return &recoverBar{w: w, began: time.Now()}
}

// show draws the line anew, if it is time to.
func (b *recoverBar) show(done, total int64) {
	now := time.Now()
	if b.w == nil || now.Sub(b.began) < barAfter || now.Sub(b.drawn) < barEvery {
		return
	}
	b.drawn = now
	io.WriteString(b.w, "\r"+barLine(done, total, now.Sub(b.began))+"\x1b[K")
}

// barLine says how far work is that began so long ago.
func barLine(done, total int64, spent time.Duration) string {
	line := fmt.Sprintf("recovering  %d%%", 100*done/max(total, 1))
	if done > 0 && done < total {
		left := time.Duration(float64(spent) / float64(done) * float64(total-done))
		line += fmt.Sprintf("  %s left", span(max(left, time.Second)))
	}
	return line
}

// wipe takes the line away.
func (b *recoverBar) wipe() {
	if !b.drawn.IsZero() {
		io.WriteString(b.w, "\r\x1b[K")
	}
}

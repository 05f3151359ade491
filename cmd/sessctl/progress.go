package main

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

// How often progress is drawn, and how long work takes that shows none.
const (
	progressEvery = 100 * time.Millisecond
	progressAfter = 300 * time.Millisecond
)

// unit says how amounts are written.
type unit func(n float64) string

func bytesUnit(n float64) string { return bytesText(int64(n)) }

func countUnit(n float64) string {
	if n > 0 && n < 10 {
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.0f", n)
}

// progress tells on a terminal how far long work is. Its counters may be set at any time.
type progress struct {
	total, done atomic.Int64
	poll        func() int64 // asked for done, if not nil; set before start

	what  string
	unit  unit
	w     io.Writer // nil: there is no terminal
	width func() int
	ended chan struct{}
	gone  chan struct{}
}

// progress returns the progress of some work, which has no total yet. It begins to show with the
// first start.
func (std streams) progress(what string, unit unit) *progress {
	p := &progress{what: what, unit: unit}
	if isTerminal(std.err) {
		p.w, p.width = std.err, func() int { return lineWidth(std.err) }
	}
	return p
}

// start begins to draw. What the line says is gone when stop returns.
func (p *progress) start() {
	if p.w == nil || p.ended != nil {
		return
	}
	p.ended, p.gone = make(chan struct{}), make(chan struct{})
	go p.draw(time.Now())
}

// stop ends the drawing and wipes the line.
func (p *progress) stop() {
	if p.ended == nil {
		return
	}
	close(p.ended)
	<-p.gone
	p.ended = nil
}

func (p *progress) draw(began time.Time) {
	defer close(p.gone)
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	drawn := false
	for {
		select {
		case <-p.ended:
			if drawn {
				io.WriteString(p.w, "\r\x1b[K")
			}
			return
		case now := <-tick.C:
			if now.Sub(began) < progressAfter {
				continue
			}
			if p.poll != nil {
				p.done.Store(p.poll())
			}
			drawn = true
			io.WriteString(p.w, "\r"+p.line(now.Sub(began), p.width())+"\x1b[K")
		}
	}
}

// line returns what is to be said after so much time. It leaves some of the width columns free: a
// ^C that is typed and shown must not begin another line.
func (p *progress) line(spent time.Duration, width int) string {
	width = max(0, width-4)
	total, done := p.total.Load(), p.done.Load()
	rate := float64(done) / spent.Seconds()
	if total <= 0 {
		return clip(fmt.Sprintf("%s  %s  %s/s", p.what, p.unit(float64(done)), p.unit(rate)), width)
	}
	share := min(1, float64(done)/float64(total))
	percent := fmt.Sprintf("%3.0f%%", 100*share)
	amount := fmt.Sprintf("  %s of %s", p.unit(float64(min(done, total))), p.unit(float64(total)))
	left := ""
	switch {
	case done >= total:
		left = "  finishing"
	case done > 0:
		wait := time.Duration(float64(total-done) / rate * float64(time.Second))
		amount += "  " + p.unit(rate) + "/s"
		left = "  " + span(max(wait, time.Second)) + " left"
	}
	tail := percent + amount + left
	if len(p.what)+2+len(tail) > width {
		tail = percent + left
	}
	if room := min(30, width-len(p.what)-len(tail)-6); room >= 8 {
		full := int(share * float64(room))
		tail = "[" + strings.Repeat("#", full) + strings.Repeat("-", room-full) + "]  " + tail
	}
	return clip(p.what+"  "+tail, width)
}

// clip cuts a line of ASCII to n columns; a longer one would wrap and could not be wiped.
func clip(line string, n int) string { return line[:min(len(line), n)] }

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// The control sequences of a terminal (ECMA-48, and the alternate screen of xterm).
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[2J" // the other screen, no cursor, wiped
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	toTop       = "\x1b[H"
	wipeLine    = "\x1b[K"
	wipeBelow   = "\x1b[J"
)

// maxHistory is how many looks the sparklines go back, at most; few terminals are wider.
const maxHistory = 512

// screen shows samples on a terminal of its own making: what was there before is there again
// when it is closed.
type screen struct {
	out     io.Writer
	path    string
	restore func() error
	size    func() (width, height int)
	history []rates
	last    sample // with stats
}

// openScreen takes the terminal. quit is called when somebody types q or Ctrl-C.
func openScreen(std streams, path string, quit func()) (*screen, error) {
	s := &screen{out: std.out, path: path, restore: func() error { return nil }}
	s.size = func() (int, int) { return terminalSize(std.out) }
	if in, ok := std.in.(*os.File); ok && isTerminal(in) {
		before, err := term.MakeRaw(int(in.Fd())) // or what is typed would show
		if err != nil {
			return nil, fmt.Errorf("set up terminal: %w", err)
		}
		s.restore = func() error { return term.Restore(int(in.Fd()), before) }
		go readKeys(in, quit)
	}
	_, err := io.WriteString(s.out, enterScreen)
	return s, err
}

// readKeys waits for q or Ctrl-C, which is a character like others on a raw terminal. It ends
// with the process.
func readKeys(in io.Reader, quit func()) {
	var key [1]byte
	for {
		if n, err := in.Read(key[:]); err != nil || n == 1 && strings.ContainsRune("qQ\x03\x04", rune(key[0])) {
			quit()
			return
		}
	}
}

func (s *screen) close() error {
	_, err := io.WriteString(s.out, leaveScreen)
	if restoreErr := s.restore(); err == nil {
		err = restoreErr
	}
	return err
}

// show draws a sample over what was drawn before, in one write.
func (s *screen) show(now sample) error {
	if now.rated {
		s.history = append(s.history, now.rates)
		s.history = s.history[max(0, len(s.history)-maxHistory):]
	}
	if now.err == nil {
		s.last = now
	}
	width, height := s.size()
	lines := s.lines(now, width)
	lines = lines[:min(len(lines), height)]
	for i, line := range lines {
		lines[i] = shorten(line, width) + wipeLine
	}
	_, err := io.WriteString(s.out, toTop+strings.Join(lines, "\r\n")+wipeBelow)
	return err
}

// lines returns what the screen says.
func (s *screen) lines(now sample, width int) []string {
	stats := s.last.stats
	who := openedBy(stats, now.time)
	if now.err != nil {
		who = explain(now.err)
	}
	lines := []string{
		spread(printable(s.path), now.time.Format(time.TimeOnly), width),
		who,
		"",
		fmt.Sprintf("sessions  %-10d  in use  %d", stats.Sessions, stats.LiveSessions),
		fmt.Sprintf("pending   %-10d  touches %d", stats.Pending, stats.Touches),
		fmt.Sprintf("file      %s", sizeText(stats)),
		fmt.Sprintf("reaper    %s", reapText(stats, now.time)),
		fmt.Sprintf("state     %s", stateText(stats)),
		"",
		spread(fmt.Sprintf("%-10s%10s%10s", "per second", "now", "most"), "newest", width),
	}
	for _, r := range []struct {
		name string
		of   func(rates) float64
	}{
		{"saves", func(r rates) float64 { return r.Saves }},
		{"commits", func(r rates) float64 { return r.Commits }},
		{"created", func(r rates) float64 { return r.Created }},
		{"ended", func(r rates) float64 { return r.Ended }},
	} {
		lines = append(lines, s.rateLine(r.name, r.of(now.rates), now.rated, r.of, width))
	}
	return append(lines, "", "q or Ctrl-C ends")
}

// rateLine returns a rate with the sparkline of those before, which grows from the right.
func (s *screen) rateLine(name string, n float64, rated bool, of func(rates) float64, width int) string {
	past, most := make([]float64, len(s.history)), 0.0
	for i, r := range s.history {
		past[i] = of(r)
		most = max(most, past[i])
	}
	head := fmt.Sprintf("%-10s%10s%10s  ", name, rateText(n, rated), rateText(most, len(past) > 0))
	return spread(head, sparkline(past, width-len(head)), width)
}

// spread puts left and right at the ends of a line.
func spread(left, right string, width int) string {
	return left + strings.Repeat(" ", max(1, width-columns(left)-columns(right))) + right
}

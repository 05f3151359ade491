package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressLine(t *testing.T) {
	const mib = 1 << 20
	tests := []struct {
		total, done int64
		width       int
		want        string
	}{
		{100 * mib, 25 * mib, 80, "back up  [###------------]   25%  25.0 MiB of 100.0 MiB  5.0 MiB/s  15s left"},
		{100 * mib, 25 * mib, 50, "back up  [####---------------]   25%  15s left"},
		{100 * mib, 25 * mib, 30, "back up   25%  15s left"},
		{100 * mib, 0, 80, "back up  [------------------------------]    0%  0 bytes of 100.0 MiB"},
		{100 * mib, 120 * mib, 80, "back up  [########################]  100%  100.0 MiB of 100.0 MiB  finishing"},
		{0, 25 * mib, 80, "back up  25.0 MiB  5.0 MiB/s"},
		{100 * mib, 25 * mib, 3, ""},
	}
	for _, tt := range tests {
		p := &progress{what: "back up", unit: bytesUnit}
		p.total.Store(tt.total)
		p.done.Store(tt.done)
		got := p.line(5*time.Second, tt.width)
		if len(got) > max(0, tt.width-4) {
			t.Errorf("%d of %d in %d columns has %d: %q", tt.done, tt.total, tt.width, len(got), got)
		}
		if got != tt.want {
			t.Errorf("%d of %d in %d columns is\n%q, want\n%q", tt.done, tt.total, tt.width, got, tt.want)
		}
	}
}

// TestProgress: short work shows none, long work leaves nothing of it behind.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		run := func(d time.Duration) string {
			out.Reset()
			p := &progress{what: "count", unit: countUnit, w: &out, width: func() int { return 80 }}
			p.total.Store(4)
			p.poll = func() int64 { return 1 }
			p.start()
			time.Sleep(d) // of the bubble's time
			p.stop()
			p.stop()
			return out.String()
		}
		if got := run(250 * time.Millisecond); got != "" {
			t.Errorf("short work shows %q", got)
		}
		got := run(350 * time.Millisecond)
		if !strings.HasPrefix(got, "\rcount  [") || !strings.Contains(got, "25%  1.0 of 4.0") || !strings.HasSuffix(got, "\r\x1b[K") {
			t.Errorf("long work shows %q", got)
		}
	})
}

func TestProgressNeedsTerminal(t *testing.T) {
	p := streams{err: io.Discard}.progress("count", countUnit)
	p.start()
	if p.ended != nil {
		t.Error("it draws without a terminal")
	}
	p.stop()
}

func TestGrowth(t *testing.T) {
	dir := t.TempDir()
	grown := growth(filepath.Join(dir, "a.db"))
	for _, name := range []string{"a.db", "b.db.tmp0123456789abcdef"} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 9000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n := grown(); n != 0 {
		t.Errorf("%d bytes before anything was written", n)
	}
	f, err := os.Create(filepath.Join(dir, "a.db.tmp0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = f.Write(bytes.Repeat([]byte("x"), 5000))
	if err := errors.Join(err, f.Sync()); err != nil { // some file systems count what is on disk only
		t.Fatal(err)
	}
	if n := grown(); n <= 0 || n > 5000 {
		t.Errorf("%d bytes of 5000", n)
	}
}

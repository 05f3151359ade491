package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestRelative(t *testing.T) {
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	tests := []struct {
		d    time.Duration
		want string
	}{
		{0, "now"},
		{499 * time.Millisecond, "now"},
		{-499 * time.Millisecond, "now"},
		{time.Second, "in 1s"},
		{-59 * time.Second, "59s ago"},
		{-60 * time.Second, "1m ago"},
		{59*time.Minute + 29*time.Second, "in 59m"},
		{time.Hour - 1, "in 1h"},
		{3*time.Hour + 59*time.Minute, "in 4h"},
		{3*time.Hour + 29*time.Minute, "in 3h"},
		{-time.Hour, "1h ago"},
		{-day + 1, "1d ago"},
		{30 * day, "in 30d"},
		{-364 * day, "364d ago"},
		{-730 * day, "2y ago"},
	}
	for _, tt := range tests {
		if got := relative(now.Add(tt.d), now); got != tt.want {
			t.Errorf("%v from now is %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	tests := []struct{ s, want string }{
		{"anna", "anna"},
		{"Ærø 茶 🍵", "Ærø 茶 🍵"},
		{`C:\store`, `C:\store`},
		{"a\x1b]0;t\x07", `a\x1b]0;t\x07`},
		{"a\nb\tc\x7f", `a\x0ab\x09c\x7f`},
		{"\u0085\u009b", `\u0085\u009b`},
		{"\u202eanna\u2066", `\u202eanna\u2066`},
		{"\xff\xfe", `\xff\xfe`},
		{"\U000e0041", `\U000e0041`},
	}
	for _, tt := range tests {
		if got := printable(tt.s); got != tt.want {
			t.Errorf("printable(%q) is %s, want %s", tt.s, got, tt.want)
		}
	}
}

// FuzzPrintable: nothing that a terminal acts on gets through, and JSON keeps its meaning.
func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[2J\u202e\u009b\U000e0041\\")
	f.Fuzz(func(t *testing.T, s string) {
		line, err := marshalLine(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range []string{printable(s), line} {
			if i := strings.IndexFunc(out, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("%q comes out as %q", s, out)
			}
		}
		var back string
		if err := json.Unmarshal([]byte(line), &back); err != nil || utf8.ValidString(s) && back != s {
			t.Errorf("%q comes back from %s as %q, %v", s, line, back, err)
		}
	})
}

func TestTableFits(t *testing.T) {
	tbl := table{
		head: []string{"ID", "USER", "KEYS"},
		rows: [][]string{
			{"3f2a11000000", "somebody@example.org", "1, cart 2, wishlist 3"},
			{"3f2a22000000", "é", "1"},
		},
		give: []int{2, 1},
		omit: []int{2},
	}
	tests := []struct {
		width int
		want  string
	}{
		{0, "" +
			"ID            USER                  KEYS\n" +
			"3f2a11000000  somebody@example.org  1, cart 2, wishlist 3\n" +
			"3f2a22000000  é                     1\n"},
		{50, "" +
			"ID            USER                  KEYS\n" +
			"3f2a11000000  somebody@example.org  1, cart 2, wi…\n" +
			"3f2a22000000  é                     1\n"},
		{40, "" +
			"ID            USER              KEYS\n" +
			"3f2a11000000  somebody@exampl…  1, cart…\n" +
			"3f2a22000000  é                 1\n"},
		{31, "" +
			"ID            USER\n" +
			"3f2a11000000  somebod…\n" +
			"3f2a22000000  é\n"},
		{10, "" + // there is no less
			"ID            USER\n" +
			"3f2a11000000  somebod…\n" +
			"3f2a22000000  é\n"},
	}
	for _, tt := range tests {
		var b strings.Builder
		if err := tbl.write(&b, tt.width); err != nil {
			t.Fatal(err)
		}
		if b.String() != tt.want {
			t.Errorf("width %d:\n%swant\n%s", tt.width, b.String(), tt.want)
		}
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 KiB", 1536: "1.5 KiB",
		5 << 20: "5.0 MiB", 3 << 40: "3072.0 GiB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("%d bytes are %q, want %q", n, got, want)
		}
	}
}

func TestDurationFlag(t *testing.T) {
	for s, want := range map[string]time.Duration{"90s": 90 * time.Second, "4h30m": 270 * time.Minute, "30d": 30 * day, "0.5d": day / 2} {
		var f durationFlag
		if err := f.Set(s); err != nil || time.Duration(f) != want {
			t.Errorf("%s is %v, %v, want %v", s, time.Duration(f), err, want)
		}
	}
	for _, s := range []string{"", "d", "5", "-1h", "-1d", "1w", "NaNd"} {
		var f durationFlag
		if err := f.Set(s); err == nil {
			t.Errorf("%s is taken for %v", s, time.Duration(f))
		}
	}
}

func TestColumns(t *testing.T) {
	for s, want := range map[string]int{"anna": 4, "é": 1, "e\u0301": 1, "王小明": 6, "🍵": 2, "ｆ": 2, "…": 1} {
		if got := columns(s); got != want {
			t.Errorf("%s takes %d columns, want %d", s, got, want)
		}
	}
	for n, want := range map[int]string{6: "王小明", 5: "王小…", 4: "王…", 3: "王…", 2: "…"} {
		if got := shorten("王小明", n); got != want {
			t.Errorf("cut to %d columns it is %s, want %s", n, got, want)
		}
	}
}

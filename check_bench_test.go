package session

import (
	"fmt"
	"path/filepath"
	"testing"
)

// BenchmarkCheck checks a file of 100,000 sessions; RELIABILITY 10 asks for 100 ms and 64 MiB.
func BenchmarkCheck(b *testing.B) {
	path := manySessions(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		report, err := Check(b.Context(), path)
		if err != nil || report.Sessions != 100_000 {
			b.Fatal(report.Sessions, err)
		}
	}
}

// manySessions returns the file of a closed store of n sessions; every third has a user, every
// fifth a component beside the global one.
func manySessions(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sessions.db")
	b := openBoltAt(t, path, nil)
	createMany(t, b, n, func(i int, s *Session) {
		for k := range 4 {
			s.Set(fmt.Sprint("key ", k), fmt.Sprint("a value of some length ", i))
		}
		if i%3 == 0 {
			s.SetUser(fmt.Sprint("user ", i%1000))
		}
		if i%5 == 0 {
			cart, err := s.Component(t.Context(), "cart")
			if err != nil {
				t.Error(err)
				return
			}
			cart.Set("tea", i)
		}
	})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

package session

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A8: one damaged page while the store is open, then a commit that finds no room: bbolt's rollback
// scans the file for free pages on a goroutine of its own, and a panic there ends the process.
func TestAttackDamageThenFull(t *testing.T) {
	if dir := os.Getenv("ATTACK_DIR"); dir != "" {
		damageThenFull(t, filepath.Join(dir, "sessions.db"))
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAttackDamageThenFull$")
	cmd.Env = append(os.Environ(), "ATTACK_DIR="+privateDir(t))
	out, err := cmd.CombinedOutput()
	t.Logf("%.600s", out)
	if bytes.Contains(out, []byte("goroutine ")) {
		lines := strings.SplitN(string(out), "\n", 20)
		t.Errorf("the process died: %v\n%s", err, strings.Join(lines[:min(len(lines), 16)], "\n"))
	}
}

func damageThenFull(t *testing.T, path string) {
	b := openBoltAtUnchecked(t, path, &BoltOptions{MaxSize: 1 << 20, MaxComponentSize: 32 << 10})
	createMany(t, b, 60, func(i int, s *Session) { s.Set("pad", strings.Repeat("x", 900)) })
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	// A leaf page of sessions, by what is in it.
	buf := make([]byte, 4096)
	hit := false
	for n := int64(2); !hit; n++ {
		if _, err := f.ReadAt(buf, n*4096); err != nil {
			t.Fatal(err)
		}
		if bytes.Count(buf, []byte("xxxxxxxx")) > 100 && buf[8] == 2 {
			if os.Getenv("ATTACK_KIND") == "" {
				f.WriteAt(bytes.Repeat([]byte{0xff}, 16), n*4096)
			}
			hit = n > 6
		}
	}
	f.Close()
	for i := range 60 {
		s, err := b.Get(t.Context(), testID(i))
		if err != nil {
			continue
		}
		s.Set("more", strings.Repeat("y", 30<<10))
		if err := s.Save(t.Context()); err != nil {
			t.Log(i, err)
		}
	}
}

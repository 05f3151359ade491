package session

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A12: run with: strace -f -qq -o /dev/null -e trace=fsync -e inject=fsync:delay_enter=4000000 TEST -test.run TestAttackSlowBackup
func TestAttackSlowBackup(t *testing.T) {
	if os.Getenv("ATTACK_SLOW") == "" {
		t.Skip("needs strace")
	}
	fail := new(saboteur)
	dir := privateDir(t)
	b := openBoltAtUnchecked(t, filepath.Join(dir, "sessions.db"), &BoltOptions{commit: fail.commit})
	create(t, b, testID(1))
	done := make(chan error, 1)
	go func() { done <- b.Backup(t.Context(), filepath.Join(dir, "copy.db")) }()
	time.Sleep(500 * time.Millisecond) // it is syncing its copy now
	fail.next(syncFailed)
	b.Destroy(t.Context(), testID(2))
	b.Destroy(t.Context(), testID(1))
	time.Sleep(50 * time.Millisecond)
	start := time.Now()
	_, err := b.Get(t.Context(), testID(3))
	if took := time.Since(start); took > reopenWait+500*time.Millisecond {
		t.Errorf("Get took %v (%v) while a backup was syncing its copy", took, err)
	}
	go b.Backup(t.Context(), filepath.Join(dir, "copy2.db"))
	t.Log(<-done)
}

func TestAttackSlowBackupClose(t *testing.T) {
	if os.Getenv("ATTACK_SLOW") == "" {
		t.Skip("needs strace")
	}
	dir := privateDir(t)
	b := openBoltAtUnchecked(t, filepath.Join(dir, "sessions.db"), nil)
	create(t, b, testID(1))
	done := make(chan error, 1)
	go func() { done <- b.Backup(t.Context(), filepath.Join(dir, "copy.db")) }()
	time.Sleep(500 * time.Millisecond) // it is syncing its copy now
	start := time.Now()
	b.Close()
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("Close took %v while a backup was syncing its copy", took)
	}
	<-done
}
